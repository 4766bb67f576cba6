//! Lists of files: `marks.tsv` for one cell type, `samples.tsv` for many.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::{CellTypeFiles, Track};
use crate::{
    error::{Error, Place, Result},
    input::{Row, beside, excerpt, if_none, read_sheet},
};

/// Reads a table with the columns `mark`, `path` and optionally `control`, in any
/// order; paths are relative to the table's folder. Several rows of one mark are
/// replicates.
///
/// # Errors
/// When the table cannot be read, lacks a column or a value, or names a file that
/// is not there or stands twice; the error names the line, and tells of all that is wrong.
pub fn read_marks(path: &Path) -> Result<Vec<Track>> {
    let mut problems = Vec::new();
    let rows = read_sheet(path, &["mark", "path"], &["control"], &mut problems)?;
    let tracks = tracks(path, &rows, &mut problems);
    if_none(path, problems)?;
    Ok(tracks)
}

/// Reads a table with the columns `cell_type`, `mark`, `path`, and optionally
/// `control`, `expression` and `expression_column`; the last two need to stand in
/// one row of each cell type only. Where they do not, the expression is
/// `expression`, in the column named as the cell type or the only one.
///
/// # Errors
/// As [`read_marks`]; and when no table, or one that is not there, of expression is given for a
/// cell type, a cell type has two, or two cell types have the same name but for case.
pub fn read_samples(
    path: &Path,
    expression: Option<&Path>,
    expression_column: Option<&str>,
) -> Result<Vec<CellTypeFiles>> {
    let optional = ["control", "expression", "expression_column"];
    let mut problems = Vec::new();
    let required = ["cell_type", "mark", "path"];
    let rows = read_sheet(path, &required, &optional, &mut problems)?;
    let is_incomplete = !problems.is_empty();
    let tracks = tracks(path, &rows, &mut problems);
    let mut cells: Vec<CellTypeFiles> = Vec::new();
    let mut given: Vec<[Option<String>; 2]> = Vec::new();
    for (row, track) in rows.iter().zip(tracks) {
        let name = row.required("cell_type");
        let known = cells.iter().position(|cell| cell.name == name);
        let place = known.unwrap_or_else(|| {
            problems.extend(check_name(path, row, &cells).err());
            cells.push(CellTypeFiles {
                name: name.to_owned(),
                tracks: Vec::new(),
                expression: PathBuf::new(),
                expression_column: None,
            });
            given.push([None, None]);
            cells.len() - 1
        });
        cells[place].tracks.push(track);
        for (column, known) in ["expression", "expression_column"]
            .iter()
            .zip(&mut given[place])
        {
            match (row.get(column), &known) {
                (Some(value), Some(earlier)) if value != earlier.as_str() => {
                    problems.push(row.bad(
                        path,
                        format!("the {column} of {name} as in an earlier row, {earlier:?}"),
                        format!("{value:?}"),
                    ));
                }
                (Some(_), Some(_)) => {}
                (Some(value), None) => {
                    if *column == "expression" {
                        problems.extend(row.file(path, column).and_then(Result::err));
                    }
                    *known = Some(value.to_owned());
                }
                (None, _) => (),
            }
        }
    }
    if let Some(table) = expression.filter(|table| !table.is_file()) {
        let problem = format!("the table of expression, {}, is not there", table.display());
        problems.push(Error::data(problem, "Correct its name"));
    }
    for (cell, [table, column]) in cells.iter_mut().zip(given) {
        let table = table.map(|name| beside(path, &name));
        let Some(table) = table.or_else(|| expression.map(Path::to_owned)) else {
            if is_incomplete {
                // It may stand in a row that cannot be used.
                continue;
            }
            problems.push(Error::content(
                path,
                Place::File,
                format!("the expression of {}", cell.name),
                "none",
                "Add a column named expression, or give one table for all with --expression",
            ));
            continue;
        };
        cell.expression = table;
        cell.expression_column = column.or_else(|| expression_column.map(str::to_owned));
    }
    if_none(path, problems)?;
    in_one_order(&mut cells);
    Ok(cells)
}

/// Brings the tracks of every cell type into the order in which marks come first in the list.
fn in_one_order(cells: &mut [CellTypeFiles]) {
    let mut marks: Vec<String> = Vec::new();
    for track in cells.iter().flat_map(|cell| &cell.tracks) {
        if !marks.contains(&track.mark) {
            marks.push(track.mark.clone());
        }
    }
    let place = |mark: &String| marks.iter().position(|known| known == mark);
    for cell in cells {
        cell.tracks.sort_by_key(|track| place(&track.mark));
    }
}

/// Refuses names of cell types that cannot be names of files, or not beside those of others on
/// every file system.
fn check_name(path: &Path, row: &Row, others: &[CellTypeFiles]) -> Result<()> {
    let name = row.required("cell_type");
    let unusable = |expected: String| {
        let found = excerpt(name.as_bytes());
        let remedy = "Choose another name";
        Err(Error::content(
            path,
            Place::Line(row.line),
            expected,
            found,
            remedy,
        ))
    };
    let usable = |c: char| !c.is_control() && !matches!(c, '/' | '\\');
    if !name.chars().all(usable) || name.starts_with('.') {
        return unusable("a cell type that can name a file (no slash, no leading dot)".into());
    }
    let mut others = others.iter().map(|other| &other.name);
    match others.find(|other| other.to_lowercase() == name.to_lowercase()) {
        Some(other) => unusable(format!("{other}, or a name that differs in more than case")),
        None => Ok(()),
    }
}

/// The tracks of all rows. A file that stands twice in one cell type is refused: its reads would
/// count twice.
fn tracks(path: &Path, rows: &[Row], problems: &mut Vec<Error>) -> Vec<Track> {
    let mut seen: HashMap<(Option<&str>, PathBuf), u64> = HashMap::new();
    let mut tracks = Vec::new();
    for row in rows {
        let track = track(row, path, problems);
        let file = (row.get("cell_type"), one_path(&track.path));
        if let Some(first) = seen.insert(file, row.line) {
            problems.push(row.bad(
                path,
                "each file once".into(),
                format!("{} again (first on line {first})", track.path.display()),
            ));
        }
        tracks.push(track);
    }
    tracks
}

/// The track of a row.
fn track(row: &Row, sheet: &Path, problems: &mut Vec<Error>) -> Track {
    let mut file = |column: &str| {
        problems.extend(row.file(sheet, column).and_then(Result::err));
        row.get(column).map(|name| beside(sheet, name))
    };
    let track = Track {
        mark: row.required("mark").to_owned(),
        path: file("path").unwrap_or_default(),
        control: file("control"),
    };
    if track.control.as_deref().map(one_path) == Some(one_path(&track.path)) {
        problems.push(row.bad(
            sheet,
            "a control beside the file".into(),
            format!("{} as its own control", track.path.display()),
        ));
    }
    track
}

/// A path without links and relative parts, to tell whether two are one file.
fn one_path(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn marks(sheet: &str) -> Result<Vec<Track>> {
        let folder = folder(&[
            ("marks.tsv", sheet),
            ("a.bam", ""),
            ("b.bam", ""),
            ("in.bam", ""),
        ]);
        read_marks(&folder.path().join("marks.tsv"))
    }

    #[test]
    fn marks_with_replicates_and_controls() {
        let read = marks("path\tmark\tcontrol\na.bam\tH3K4me3\tin.bam\nb.bam\tH3K4me3\n").unwrap();
        assert_eq!(read.len(), 2);
        assert!(read[0].path.ends_with("a.bam"));
        assert!(read[0].control.is_some() && read[1].control.is_none());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let message = |sheet: &str| marks(sheet).unwrap_err().to_string();
        let text = message("mark\tpath\nH3K4me3\tc.bam\n");
        assert!(
            text.contains("line 2") && text.contains("c.bam, which is not there"),
            "{text}"
        );
        let text = message("mark\tpath\nH3K4me3\ta.bam\nH3K4me1\ta.bam\n");
        assert!(
            text.contains("line 3") && text.contains("again (first on line 2)"),
            "{text}"
        );
        let text = message("mark\tpath\nH3K4me3\tc.bam\nH3K4me1\n\ta.bam\nm\td.bam\n");
        for wrong in [
            "line 2",
            "line 3",
            "line 4",
            "line 5",
            "- ",
            "s.tsv cannot be used",
        ] {
            assert!(text.contains(wrong), "{wrong} is not in {text}");
        }
        let text = message("H3K4me3\ta.bam\n");
        assert!(
            text.contains("a header of the columns mark, path, control"),
            "{text}"
        );
        let text = message("mark\tpath\n\ta.bam\n");
        assert!(text.contains("a value in column mark"), "{text}");
        assert!(message("mark\tpath\n").contains("no row"));
    }

    #[test]
    fn samples_are_grouped_by_cell_type() {
        let sheet = "cell_type\tmark\tpath\texpression\n\
                     A\tm1\ta.bam\tx.tsv\nB\tm2\ta.bam\nA\tm2\tb.bam\nB\tm1\tb.bam\n";
        let tables = [("x.tsv", ""), ("all.tsv", "")];
        let reads = [("a.bam", ""), ("b.bam", "")];
        let folder = folder(&[&[("s.tsv", sheet)], &tables[..], &reads[..]].concat());
        let path = folder.path().join("s.tsv");
        let all = folder.path().join("all.tsv");
        let cells = read_samples(&path, Some(&all), None).unwrap();
        assert_eq!(cells[0].expression, folder.path().join("x.tsv"));
        assert_eq!(cells[1].expression, all);
        let marks = |cell: &CellTypeFiles| -> Vec<String> {
            cell.tracks.iter().map(|track| track.mark.clone()).collect()
        };
        assert_eq!(marks(&cells[0]), ["m1", "m2"]);
        assert_eq!(marks(&cells[1]), ["m1", "m2"]);
        let message = read_samples(&path, None, None).unwrap_err().to_string();
        assert!(message.contains("the expression of B"), "{message}");
        let no_table = read_samples(&path, Some(Path::new("no.tsv")), None);
        let message = no_table.unwrap_err().to_string();
        assert!(message.contains("no.tsv, is not there"), "{message}");
        let sheet = "cell_type\tmark\tpath\texpression\n\
                     A\tm1\ta.bam\tx.tsv\nA\tm2\tb.bam\ty.tsv\na\tm1\tno.bam\n";
        fs::write(&path, sheet).unwrap();
        let message = read_samples(&path, None, None).unwrap_err().to_string();
        for wrong in [
            "line 3: expected the expression of A as in an earlier row",
            "line 4: expected A, or a name that differs in more than case",
            "no.bam, which is not there",
            "the expression of a",
        ] {
            assert!(message.contains(wrong), "{wrong} is not in {message}");
        }
    }
}
