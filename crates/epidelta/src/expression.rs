//! Tables of expression: a row per gene, an id in the first column and numbers in
//! the others; and differential tables, with a log2 fold change per gene.
//!
//! Tab- or comma-separated, plain or compressed; with a header, as most tables, or
//! without one, as htseq-count's and STAR's. The columns of featureCounts, Salmon
//! and RSEM are known by their names.

use std::{
    collections::{HashMap, HashSet},
    num::NonZero,
    path::Path,
};

use crate::{
    annotation::without_version,
    error::{Error, Place, Result},
    input::{Lines, Meter, excerpt},
    provenance::Source,
};

/// A number per gene, read from a column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneTable {
    /// The column's name, or its number from 1 in a table without header.
    pub column: String,
    /// The genes' ids and values, in the order of the file.
    pub rows: Vec<(String, f64)>,
    /// Genes whose value is `NA`, left out (differential tables only).
    pub not_available: Vec<String>,
    /// The file.
    pub source: Source,
    by_id: HashMap<String, usize>,
    by_stem: HashMap<String, usize>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    /// Counts, RPKM, TPM: finite and not negative.
    Expression,
    /// Log2 fold changes: finite, or `NA` for a gene that was not tested.
    FoldChange,
}

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
const REMEDY: &str = "Correct the table, or name another column";

/// Reads the expression of every gene.
///
/// The column is `column`, by its header or, in a table without one, its number
/// (the id is column 1); or else the only column of values, or else the one named
/// as the cell type.
///
/// # Errors
/// When the file cannot be read, the column is not there or cannot be told, a
/// value is no number (or negative: expression is not expected as logarithm), or
/// a gene stands twice; the error names the line.
pub fn read_expression(path: &Path, column: Option<&str>, cell_type: &str) -> Result<GeneTable> {
    read_table(path, column, cell_type, Values::Expression)
}

/// Reads the log2 fold change of every gene from a differential table, as DESeq2
/// (`log2FoldChange`), edgeR and limma (`logFC`) write it. Genes with `NA` are
/// left out.
///
/// # Errors
/// As [`read_expression`].
pub fn read_fold_changes(path: &Path, column: Option<&str>) -> Result<GeneTable> {
    read_table(path, column, "", Values::FoldChange)
}

impl GeneTable {
    /// The row of a gene: of the very id, or else of the id but for the version.
    pub fn row_of(&self, id: &str) -> Option<usize> {
        let found = self
            .by_id
            .get(id)
            .or_else(|| self.by_stem.get(without_version(id)));
        found.copied()
    }

    /// The value of a gene, its id with or without version.
    pub fn get(&self, id: &str) -> Option<f64> {
        self.row_of(id).map(|row| self.rows[row].1)
    }
}

fn read_table(
    path: &Path,
    column: Option<&str>,
    cell_type: &str,
    values: Values,
) -> Result<GeneTable> {
    let mut lines = Lines::open(path, &Meter::default(), NonZero::<usize>::MIN)?;
    let mut layout: Option<Layout> = None;
    let mut rows = Vec::new();
    let mut not_available = Vec::new();
    let mut first_lines: HashMap<String, u64> = HashMap::new();
    while let Some((number, line)) = lines.next_line()? {
        if line.trim_ascii().is_empty() || line.starts_with(b"#") {
            continue;
        }
        let bad = |expected: &str, found: String| {
            Error::content(path, Place::Line(number), expected, found, REMEDY)
        };
        let text = std::str::from_utf8(line)
            .map_err(|_| bad("a line of text", "bytes that are not UTF-8".into()))?;
        let layout = match &mut layout {
            Some(layout) => layout,
            None => {
                let found = Layout::of(path, number, text, column, cell_type, values)?;
                let layout = layout.insert(found);
                if layout.has_header {
                    continue;
                }
                layout
            }
        };
        let fields = layout.fields(text);
        let id = fields[0];
        if is_summary(id) {
            continue;
        }
        // R writes the header of a table with row names one column short.
        if fields.len() == layout.columns + 1 && rows.is_empty() && layout.has_header {
            layout.columns += 1;
            layout.index += 1;
        }
        if layout.index == 0 {
            let expected = "gene ids in the first column, values in another one";
            return Err(bad(
                expected,
                format!("the values' column {:?} first", layout.name),
            ));
        }
        if fields.len() != layout.columns {
            let expected = format!("{} columns", layout.columns);
            return Err(bad(&expected, fields.len().to_string()));
        }
        if id.is_empty() {
            return Err(bad("a gene id in the first column", "none".into()));
        }
        let field = fields[layout.index];
        if let Some(first) = first_lines.insert(id.to_owned(), number) {
            let found = format!(
                "gene {} again (first on line {first})",
                excerpt(id.as_bytes())
            );
            return Err(bad("each gene once", found));
        }
        if values == Values::FoldChange && matches!(field, "NA" | "NaN" | "nan" | "") {
            not_available.push(id.to_owned());
            continue;
        }
        let value = field.parse::<f64>().ok().filter(|value| value.is_finite());
        match value.filter(|&v| v >= 0.0 || values == Values::FoldChange) {
            Some(value) => rows.push((id.to_owned(), value)),
            None => {
                let expected = match values {
                    Values::Expression => {
                        "an expression (counts, RPKM or TPM: a finite number, not negative, \
                         not a logarithm)"
                    }
                    Values::FoldChange => "a log2 fold change (a finite number, or NA)",
                };
                let found = excerpt(field.as_bytes());
                return Err(Error::content(
                    path,
                    Place::Line(number),
                    format!("{expected} in column {:?}", layout.name),
                    found,
                    REMEDY,
                ));
            }
        }
    }
    if rows.is_empty() {
        return Err(Error::content(
            path,
            Place::File,
            "a table with a row per gene",
            "no gene",
            "Give a tab- or comma-separated table with gene ids in its first column",
        ));
    }
    let by_id: HashMap<String, usize> = index(&rows, |id| id);
    Ok(GeneTable {
        column: layout.map(|layout| layout.name).unwrap_or_default(),
        by_stem: index(&rows, without_version),
        by_id,
        rows,
        not_available,
        source: lines.finish("expression")?,
    })
}

/// Rows by a part of their id; the first of several wins.
fn index(rows: &[(String, f64)], key: fn(&str) -> &str) -> HashMap<String, usize> {
    let mut index = HashMap::with_capacity(rows.len());
    for (row, (id, _)) in rows.iter().enumerate() {
        index.entry(key(id).to_owned()).or_insert(row);
    }
    index
}

/// Rows of htseq-count and STAR that sum up what is no gene.
fn is_summary(id: &str) -> bool {
    const STAR: [&str; 4] = ["N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous"];
    id.starts_with("__") || STAR.contains(&id)
}

/// Where the values stand.
struct Layout {
    separator: char,
    columns: usize,
    index: usize,
    name: String,
    has_header: bool,
}

impl Layout {
    fn of(
        path: &Path,
        number: u64,
        line: &str,
        column: Option<&str>,
        cell_type: &str,
        values: Values,
    ) -> Result<Self> {
        let separator = if line.contains('\t') { '\t' } else { ',' };
        let mut layout = Layout {
            separator,
            columns: 0,
            index: 0,
            name: String::new(),
            has_header: true,
        };
        let fields = layout.fields(line);
        layout.columns = fields.len();
        let bad = |expected: String, found: String, remedy: String| {
            Error::content(path, Place::Line(number), expected, found, remedy)
        };
        if fields.len() < 2 {
            return Err(bad(
                "at least two columns, separated by tabs or commas".into(),
                excerpt(line.as_bytes()),
                "Give a table with gene ids in its first column".into(),
            ));
        }
        layout.has_header = !fields[1..].iter().any(|field| field.parse::<f64>().is_ok())
            || column.is_some_and(|name| fields.contains(&name) && name.parse::<f64>().is_err());
        let list = || fields.join(", ");
        let candidates: Vec<usize> = match (column, layout.has_header) {
            // From the first column on, for tables whose row names have no header.
            (Some(name), true) => (0..fields.len()).filter(|&i| fields[i] == name).collect(),
            (Some(name), false) => {
                let index = name.parse::<usize>().ok().filter(|&n| n > 1).map(|n| n - 1);
                index.filter(|&i| i < fields.len()).into_iter().collect()
            }
            (None, true) if values == Values::FoldChange => (0..fields.len())
                .filter(|&i| FOLD_CHANGE_COLUMNS.contains(&fields[i]))
                .collect(),
            (None, _) => candidates(&fields, cell_type),
        };
        match candidates[..] {
            [index] => layout.index = index,
            [] | [_, _, ..] => {
                let expected = match (column, layout.has_header) {
                    (Some(name), true) => format!("one column named {name:?}"),
                    (Some(name), false) => format!("a column number from 2, not {name:?}"),
                    (None, _) if values == Values::FoldChange => {
                        format!("one of the columns {}", FOLD_CHANGE_COLUMNS.join(", "))
                    }
                    (None, _) => format!("one column of values, or one named {cell_type:?}"),
                };
                let shown: String = list().chars().take(400).collect();
                let (found, remedy) = match layout.has_header {
                    true => (
                        format!("the columns {shown}"),
                        "Name the column: --expression-column (or --label-column) takes one \
                         of these names",
                    ),
                    false => (
                        format!("{} columns without header", fields.len()),
                        "Give the column's number, as in --expression-column 2",
                    ),
                };
                return Err(bad(expected, found, remedy.into()));
            }
        }
        layout.name = match layout.has_header {
            true => fields[layout.index].to_owned(),
            false => (layout.index + 1).to_string(),
        };
        Ok(layout)
    }

    /// The fields of a line, without the quotes that R puts around text.
    fn fields<'l>(&self, line: &'l str) -> Vec<&'l str> {
        let unquoted = |field: &'l str| {
            let field = field.trim();
            let inner = field.strip_prefix('"').and_then(|f| f.strip_suffix('"'));
            inner.unwrap_or(field)
        };
        // Some tables end every line, their header too, with a separator.
        line.trim_end_matches(self.separator)
            .split(self.separator)
            .map(unquoted)
            .collect()
    }
}

/// The columns that may hold the expression of a cell type.
fn candidates(fields: &[&str], cell_type: &str) -> Vec<usize> {
    let named: Vec<usize> = (1..fields.len())
        .filter(|&i| fields[i] == cell_type)
        .collect();
    if !named.is_empty() {
        return named;
    }
    let descriptive: HashSet<&str> = DESCRIPTIVE_COLUMNS.into();
    let described = |i: &usize| !descriptive.contains(fields[*i].to_lowercase().as_str());
    (1..fields.len()).filter(described).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn file(text: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        file
    }

    fn expression(text: &str, column: Option<&str>) -> Result<GeneTable> {
        read_expression(file(text.as_bytes()).path(), column, "E003")
    }

    #[test]
    fn tables_of_the_usual_programs() {
        let tables = [
            ("htseq-count", "G1\t5\nG2\t0\n__no_feature\t99\n", None),
            (
                "STAR",
                "N_unmapped\t9\t9\t9\nG1\t5\t3\t2\nG2\t0\t0\t0\n",
                Some("2"),
            ),
            (
                "featureCounts",
                "# Program:featureCounts\nGeneid\tChr\tStart\tEnd\tStrand\tLength\tx.bam\n\
                 G1\tchr1\t1\t9\t+\t9\t5\nG2\tchr1\t1\t9\t+\t9\t0\n",
                None,
            ),
            (
                "matrix",
                "gene_id\tE001\tE003\t\nG1\t1\t5\t\nG2\t1\t0\t\n",
                None,
            ),
            ("named", "gene_id,a,b\nG1,1,5\nG2,1,0\n", Some("b")),
            ("R", "\"a\",\"E003\"\n\"G1\",1,5\n\"G2\",1,0\n", None),
        ];
        for (program, text, column) in tables {
            let table = expression(text, column).unwrap_or_else(|e| panic!("{program}: {e}"));
            let rows = [("G1".to_owned(), 5.0), ("G2".to_owned(), 0.0)];
            assert_eq!(table.rows, rows, "{program}");
        }
    }

    #[test]
    fn ids_with_and_without_version() {
        let table = expression("ENSG1.4\t5\nENSG2\t6\n", None).unwrap();
        for (id, value) in [
            ("ENSG1.4", Some(5.0)),
            ("ENSG1", Some(5.0)),
            ("ENSG1.9", Some(5.0)),
            ("ENSG2.1", Some(6.0)),
            ("ENSG3", None),
        ] {
            assert_eq!(table.get(id), value, "{id}");
        }
    }

    #[test]
    fn differential_tables() {
        let deseq2 = "gene,baseMean,log2FoldChange,lfcSE,pvalue,padj\n\
                      G1,10,-1.5,0.1,0.01,0.02\nG2,0,NA,NA,NA,NA\n";
        let table = read_fold_changes(file(deseq2.as_bytes()).path(), None).unwrap();
        assert_eq!(table.rows, [("G1".to_owned(), -1.5)]);
        assert_eq!(table.not_available, ["G2"]);
        // edgeR's write.table: row names, so the header is one column short.
        let edger = "logFC\tlogCPM\tF\tPValue\nG1\t2.25\t5\t1\t0.5\n";
        let table = read_fold_changes(file(edger.as_bytes()).path(), None);
        assert_eq!(table.unwrap().rows, [("G1".to_owned(), 2.25)]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let message = |text: &str, column| expression(text, column).unwrap_err().to_string();
        let text = message("id\tx\nG1\t5\nG2\tmany\n", None);
        assert!(
            text.contains("line 3") && text.contains("\"many\""),
            "{text}"
        );
        let text = message("id\tx\nG1\t5\nG2\t-2\n", None);
        assert!(text.contains("not a logarithm"), "{text}");
        let text = message("id\tx\ty\nG1\t5\t5\n", None);
        assert!(text.contains("the columns id, x, y"), "{text}");
        let text = message("id\tx\ty\nG1\t5\t5\n", Some("z"));
        assert!(text.contains("\"z\""), "{text}");
        let text = message("G1\t5\nG1\t6\n", None);
        assert!(text.contains("line 2") && text.contains("line 1"), "{text}");
        let text = message("id\tx\nG1\t5\t7\t8\n", None);
        assert!(text.contains("2 columns"), "{text}");
        let text = message("", None);
        assert!(text.contains("no gene"), "{text}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let file = file(&bytes);
            let _ = read_expression(file.path(), None, "x");
            let _ = read_fold_changes(file.path(), None);
        }

        #[test]
        fn numbers_read_back(values in prop::collection::vec(0.0_f64..1e12, 1..20)) {
            let mut text = String::from("id\tvalue\n");
            for (i, value) in values.iter().enumerate() {
                text += &format!("G{i}\t{value}\n");
            }
            let read = expression(&text, None).unwrap();
            let read: Vec<f64> = read.rows.iter().map(|row| row.1).collect();
            prop_assert_eq!(read, values);
        }
    }
}
