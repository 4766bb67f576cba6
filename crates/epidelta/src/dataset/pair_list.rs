//! Lists of pairs of cell types.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::Result,
    input::{Row, if_none, read_sheet},
};

/// Cell types, and which of them are pairs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PairList {
    /// The table that it was read from, if it was.
    pub table: Option<PathBuf>,
    /// An `epigenome.parquet` each, every one once.
    pub files: Vec<PathBuf>,
    /// A and B of each pair, as indices.
    pub pairs: Vec<[usize; 2]>,
}

/// Reads a table with the columns `a` and `b`: the `epigenome.parquet` of the two cell types of
/// each pair, relative to the table's folder.
///
/// # Errors
/// When the table cannot be read, lacks a column or a value, names a file that is not there, or
/// a pair stands twice or is of one cell type; the error names the line.
pub fn read_pairs(path: &Path) -> Result<PairList> {
    let mut list = PairList {
        table: Some(path.into()),
        ..PairList::default()
    };
    let mut places: HashMap<PathBuf, usize> = HashMap::new();
    let mut seen: HashSet<[usize; 2]> = HashSet::new();
    let mut problems = Vec::new();
    let rows = read_sheet(path, &["a", "b"], &[], &mut problems)?;
    if_none(path, problems)?;
    for row in rows {
        let mut place = |row: &Row, column: &str| -> Result<usize> {
            let file = row.file(path, column).transpose()?.unwrap_or_default();
            let known = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            Ok(*places.entry(known).or_insert_with(|| {
                list.files.push(file);
                list.files.len() - 1
            }))
        };
        let pair = [place(&row, "a")?, place(&row, "b")?];
        let names = || format!("{} and {}", row.required("a"), row.required("b"));
        if pair[0] == pair[1] {
            return Err(row.bad(path, "two cell types".into(), names()));
        }
        if !seen.insert(pair) {
            let again = format!("{} again", names());
            return Err(row.bad(path, "each pair once".into(), again));
        }
        list.pairs.push(pair);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(table: &str) -> Result<PairList> {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x.parquet", "y.parquet", "z.parquet"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::write(folder.path().join("pairs.tsv"), table).unwrap();
        read_pairs(&folder.path().join("pairs.tsv"))
    }

    #[test]
    fn files_are_told_once() {
        let list = read("a\tb\nx.parquet\ty.parquet\nz.parquet\t./x.parquet\n").unwrap();
        assert_eq!(list.files.len(), 3);
        assert_eq!(list.pairs, [[0, 1], [2, 0]]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (rows, part) in [
            ("x.parquet\tw.parquet\n", "w.parquet, which is not there"),
            ("x.parquet\tx.parquet\n", "two cell types"),
            ("x.parquet\t\n", "a value in column b"),
        ] {
            let message = read(&format!("a\tb\n{rows}")).unwrap_err().to_string();
            assert!(
                message.contains("line 2") && message.contains(part),
                "{message}"
            );
        }
        let twice = "a\tb\nx.parquet\ty.parquet\nx.parquet\ty.parquet\n";
        let message = read(twice).unwrap_err().to_string();
        assert!(
            message.contains("line 3") && message.contains("each pair once"),
            "{message}"
        );
        assert!(read("a\tb\nx.parquet\ty.parquet\ny.parquet\tx.parquet\n").is_ok());
    }
}
