//! How a table is laid out: what separates its fields, whether it has a header, and
//! which column holds the values.

use std::path::Path;

use super::Values;
use crate::{
    error::{Error, Place, Result},
    input::excerpt,
};

/// Names under which DESeq2, edgeR and limma write the log2 fold change.
const FOLD_CHANGE_COLUMNS: [&str; 4] = ["log2FoldChange", "logFC", "log2_fold_change", "log2FC"];
/// Columns of featureCounts, Salmon, RSEM and annotated count tables that describe
/// the gene.
const DESCRIPTIVE_COLUMNS: [&str; 14] = [
    "chr",
    "start",
    "end",
    "strand",
    "length",
    "gene_name",
    "gene_symbol",
    "symbol",
    "gene_type",
    "gene_biotype",
    "description",
    "effectivelength",
    "effective_length",
    "transcript_id(s)",
];
/// Characters of a list of columns that an error shows.
const SHOWN: usize = 400;

/// Which column is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'w> {
    /// Its name, or its number from 1 in a table without header.
    pub(super) column: Option<&'w str>,
    pub(super) cell_type: &'w str,
    pub(super) values: Values,
}

/// Where the values stand.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) columns: usize,
    pub(super) index: usize,
    pub(super) name: String,
}

/// What separates the fields of a line: tabs, or else commas, or else semicolons.
pub(super) fn separator(line: &str) -> Option<char> {
    ['\t', ',', ';'].into_iter().find(|&c| line.contains(c))
}

/// The fields of a line. A field may stand in double quotes, which may hold the
/// separator, and twice a quote for one.
pub(super) fn fields(line: &str, separator: char) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let at_start = fields.last().is_some_and(String::is_empty);
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                push(&mut fields, '"');
            }
            '"' if quoted || at_start => quoted = !quoted,
            c if c == separator && !quoted => fields.push(String::new()),
            c => push(&mut fields, c),
        }
    }
    for field in &mut fields {
        *field = field.trim().to_owned();
    }
    fields
}

fn push(fields: &mut [String], c: char) {
    if let Some(last) = fields.last_mut() {
        last.push(c);
    }
}

/// Names under which tables list the genes' ids.
const ID_COLUMNS: [&str; 14] = [
    "",
    "gene",
    "geneid",
    "genename",
    "genesymbol",
    "genestableid",
    "symbol",
    "id",
    "name",
    "ensembl",
    "ensemblid",
    "ensemblgeneid",
    "targetid",
    "trackingid",
];

/// Whether a header's first name is that of the genes' ids.
fn names_ids(name: &str) -> bool {
    let bare: String = name.to_lowercase();
    let bare: String = bare.chars().filter(char::is_ascii_alphanumeric).collect();
    ID_COLUMNS.contains(&bare.as_str())
}

/// Whether a table's first line is its header: it names the column of the ids, no
/// field after the first is a number, they count the samples, or one of them is the
/// name asked for.
pub(super) fn is_header(fields: &[String], wanted: Wanted<'_>) -> bool {
    let is_number = |field: &&String| field.parse::<f64>().is_ok();
    // Samples that are named 1, 2, 3.
    let counted = (1..)
        .zip(fields.iter().skip(1))
        .all(|(n, field)| *field == n.to_string());
    let named = wanted.column.filter(|name| name.parse::<f64>().is_err());
    named.is_some_and(|name| fields.iter().any(|field| field == name))
        || fields.first().is_some_and(|name| names_ids(name))
        || (fields.len() > 2 && counted)
        || !fields.iter().skip(1).any(|field| is_number(&field))
}

impl Layout {
    /// The layout of a table with this header and first row of data.
    pub(super) fn of(
        path: &Path,
        line: u64,
        header: Option<Vec<String>>,
        row: &[String],
        wanted: Wanted<'_>,
    ) -> Result<Self> {
        let bad = |expected: String, found: String, remedy: &str| {
            Error::content(path, Place::Line(line), expected, found, remedy)
        };
        let names = match header {
            None => None,
            Some(names) => Some(with_name_of_ids(names, row).ok_or_else(|| {
                bad(
                    "a header with a name for each column".into(),
                    "one name less than the next line has fields, the last of which is empty"
                        .into(),
                    "Name the first column gene_id",
                )
            })?),
        };
        let columns = names.as_ref().map_or(row.len(), Vec::len);
        if columns < 2 {
            return Err(bad(
                "at least two columns, separated by tabs or commas".into(),
                excerpt(row.join(" ").as_bytes()),
                "Give a table with gene ids in its first column",
            ));
        }
        let found = match (&names, wanted.column) {
            (Some(names), Some(name)) => positions(names, |column| column == name),
            (Some(names), None) if wanted.values == Values::FoldChange => {
                positions(names, |column| FOLD_CHANGE_COLUMNS.contains(&column))
            }
            (Some(names), None) => values_of(names, wanted.cell_type),
            (None, Some(number)) => {
                let index = number.parse::<usize>().ok().filter(|&n| n > 1);
                let index = index.map(|n| n - 1).filter(|&i| i < columns);
                index.into_iter().collect()
            }
            (None, None) => (1..columns).collect(),
        };
        if let [index] = found[..] {
            let name = names.map(|mut names| names.swap_remove(index));
            return Ok(Layout {
                columns,
                index,
                name: name.unwrap_or_else(|| (index + 1).to_string()),
            });
        }
        let expected = match (wanted.column, &names) {
            (Some(name), Some(_)) => format!("one column named {name:?}"),
            (Some(name), None) => format!("a column number from 2 to {columns}, not {name:?}"),
            (None, _) if wanted.values == Values::FoldChange => {
                format!("one of the columns {}", FOLD_CHANGE_COLUMNS.join(", "))
            }
            (None, _) => format!("one column of values, or one named {:?}", wanted.cell_type),
        };
        Err(match names {
            Some(names) => {
                let shown: String = names.join(", ").chars().take(SHOWN).collect();
                bad(
                    expected,
                    format!("the columns {shown}"),
                    "Name the column: --expression-column (or --label-column, --counts-column-a, \
                     --counts-column-b) takes one of these names",
                )
            }
            None => bad(
                expected,
                format!("{columns} columns without header"),
                "Give the column's number, as in --expression-column 2",
            ),
        })
    }
}

/// The names of all columns. R writes no name for the column of row names, so that
/// the header is one short of the rows; other programs end every row, but not
/// the header, with a separator. None where it could be either.
fn with_name_of_ids(mut names: Vec<String>, row: &[String]) -> Option<Vec<String>> {
    while names.len() > 1 && names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    let first_names_ids = names.first().is_some_and(|name| names_ids(name));
    if row.len() == names.len() + 1 && !first_names_ids {
        if row.last().is_some_and(String::is_empty) {
            return None;
        }
        names.insert(0, String::new());
    }
    Some(names)
}

/// The columns after that of the ids whose name fits.
fn positions(names: &[String], fits: impl Fn(&str) -> bool) -> Vec<usize> {
    (1..names.len()).filter(|&i| fits(&names[i])).collect()
}

/// The columns that may hold the expression of a cell type.
fn values_of(names: &[String], cell_type: &str) -> Vec<usize> {
    let named = positions(names, |name| name == cell_type);
    if !named.is_empty() {
        return named;
    }
    positions(names, |name| {
        !DESCRIPTIVE_COLUMNS.contains(&name.to_lowercase().as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_may_lack_the_name_of_the_ids() {
        let owned = |fields: &[&str]| -> Vec<String> {
            fields.iter().map(|&field| field.to_owned()).collect()
        };
        let names = |header: &[&str], row: &[&str]| with_name_of_ids(owned(header), &owned(row));
        let expected = Some(owned(&["", "A", "B"]));
        assert_eq!(names(&["A", "B"], &["G1", "5", "7"]), expected);
        let expected = Some(owned(&["gene_id", "A"]));
        assert_eq!(names(&["gene_id", "A"], &["G1", "5", ""]), expected);
        assert_eq!(
            names(&["Gene stable ID", "A", ""], &["G1", "5", ""])
                .unwrap()
                .len(),
            2
        );
        assert_eq!(names(&["A", "symbol"], &["G1", "5", ""]), None);
    }

    #[test]
    fn fields_may_be_quoted() {
        assert_eq!(
            fields("a,\"b, c\",\"d \"\"e\"\"\",", ','),
            ["a", "b, c", "d \"e\"", ""]
        );
        assert_eq!(fields("a\tb \tc", '\t'), ["a", "b", "c"]);
        assert_eq!(fields("5' end,3\" end", ','), ["5' end", "3\" end"]);
    }
}
