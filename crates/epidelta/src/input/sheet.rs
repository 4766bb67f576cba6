//! Tables of a few named columns, such as lists of files: tab-separated, with a header.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{Lines, excerpt};
use crate::error::{Error, Place, Result};

const REMEDY: &str = "Write a tab-separated table with a header line";

/// A row of such a table.
pub(crate) struct Row {
    pub(crate) line: u64,
    values: HashMap<&'static str, String>,
}

impl Row {
    pub(crate) fn get(&self, column: &str) -> Option<&str> {
        self.values.get(column).map(String::as_str)
    }

    /// A value that [`read_sheet`] has made sure of.
    pub(crate) fn required(&self, column: &str) -> &str {
        self.get(column).unwrap_or_default()
    }

    pub(crate) fn bad(&self, path: &Path, expected: String, found: String) -> Error {
        Error::content(
            path,
            Place::Line(self.line),
            expected,
            found,
            "Correct the row",
        )
    }

    /// The file that a column names, relative to the table's folder, if it names one.
    pub(crate) fn file(&self, sheet: &Path, column: &str) -> Option<Result<PathBuf>> {
        let path = beside(sheet, self.get(column)?);
        Some(match path.is_file() {
            true => Ok(path),
            false => Err(self.bad(
                sheet,
                format!("a file in column {column}"),
                match path.exists() {
                    true => format!("{}, which is a folder", path.display()),
                    false => format!("{}, which is not there", path.display()),
                },
            )),
        })
    }
}

/// A path as a table in some folder gives it.
pub(crate) fn beside(sheet: &Path, name: &str) -> PathBuf {
    sheet.parent().unwrap_or(Path::new("")).join(name)
}

/// Reads a table with these columns, in any order, and perhaps these others. Empty lines and
/// those that begin with `#` do not count. Rows that cannot be used are problems, and left out.
///
/// # Errors
/// When it cannot be read, has another column, lacks one, or has no row.
pub(crate) fn read_sheet(
    path: &Path,
    required: &[&'static str],
    optional: &[&'static str],
    problems: &mut Vec<Error>,
) -> Result<Vec<Row>> {
    let mut lines = Lines::open_small(path)?;
    let mut columns: Option<Vec<&'static str>> = None;
    let mut rows = Vec::new();
    while let Some((line, bytes)) = lines.next_line()? {
        if bytes.trim_ascii().is_empty() || bytes.starts_with(b"#") {
            continue;
        }
        let bad = |expected: String, found: String| {
            Error::content(path, Place::Line(line), expected, found, REMEDY)
        };
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(bad("text in UTF-8".into(), excerpt(bytes)));
        };
        let fields: Vec<&str> = text.split('\t').map(str::trim).collect();
        let Some(columns) = &columns else {
            let known = || required.iter().chain(optional);
            let mut header = Vec::new();
            for field in &fields {
                match known().find(|known| known == &field) {
                    Some(&name) if !header.contains(&name) => header.push(name),
                    _ => {
                        let all: Vec<&str> = known().copied().collect();
                        return Err(bad(
                            format!("a header of the columns {}", all.join(", ")),
                            excerpt(field.as_bytes()),
                        ));
                    }
                }
            }
            if let Some(missing) = required.iter().find(|name| !header.contains(name)) {
                return Err(bad(format!("a column named {missing}"), excerpt(bytes)));
            }
            columns = Some(header);
            continue;
        };
        if fields.len() > columns.len() {
            let found = fields.len().to_string();
            problems.push(bad(format!("{} columns", columns.len()), found));
            continue;
        }
        let values = columns.iter().copied().zip(&fields);
        let values: HashMap<&'static str, String> = values
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, (*value).to_owned()))
            .collect();
        if let Some(missing) = required.iter().find(|name| !values.contains_key(*name)) {
            problems.push(bad(format!("a value in column {missing}"), "none".into()));
            continue;
        }
        rows.push(Row { line, values });
    }
    if rows.is_empty() && problems.is_empty() {
        return Err(Error::content(
            path,
            Place::File,
            format!("a header and rows with {}", required.join(", ")),
            "no row",
            REMEDY,
        ));
    }
    Ok(rows)
}

/// Succeeds if there are no problems with a table.
pub(crate) fn if_none(path: &Path, problems: Vec<Error>) -> Result<()> {
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::all(
            format!("{} cannot be used as it is", path.display()),
            problems,
        )),
    }
}
