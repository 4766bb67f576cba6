//! Tables of expression: a row per gene, an id in the first column and numbers in
//! the others; and differential tables, with a log2 fold change per gene.
//!
//! Tab- or comma-separated, plain or compressed; with a header, as most tables, or
//! without one, as htseq-count's and STAR's. The columns of featureCounts, Salmon
//! and RSEM are known by their names.

mod layout;

use std::{
    collections::{HashMap, hash_map::Entry},
    path::Path,
};

use crate::{
    annotation::without_version,
    error::{Error, Place, Result},
    input::{Lines, excerpt},
    provenance::Source,
};

use layout::{Layout, Wanted, fields, is_header, separator};

/// A number per gene, read from a column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneTable {
    /// The column's name, or its number from 1 in a table without header.
    pub column: String,
    /// The genes' ids and values, in the order of the file; NaN where a fold change
    /// is `NA`.
    pub rows: Vec<(String, f64)>,
    /// The file.
    pub source: Source,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    /// Counts, RPKM, TPM: finite and not negative.
    Expression,
    /// Log2 fold changes: finite, or `NA` for a gene that was not tested.
    FoldChange,
}

const REMEDY: &str = "Correct the line; every row needs as many columns as the first";

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
    let wanted = Wanted {
        column,
        cell_type,
        values: Values::Expression,
    };
    read_table(path, wanted)
}

/// Reads the log2 fold change of every gene from a differential table, as DESeq2
/// (`log2FoldChange`), edgeR and limma (`logFC`) write it. Genes with `NA` are
/// left out.
///
/// # Errors
/// As [`read_expression`].
pub fn read_fold_changes(path: &Path, column: Option<&str>) -> Result<GeneTable> {
    let wanted = Wanted {
        column,
        cell_type: "",
        values: Values::FoldChange,
    };
    read_table(path, wanted)
}

impl GeneTable {
    /// The row of each gene: that of the very id, or else the one whose id differs
    /// only in the version, if there is one such row and one such gene, so that no
    /// row stands for two genes. Two versions of an id are the same gene only in
    /// Ensembl's ids: `F07C3.4` and `F07C3.7` are two genes.
    pub fn rows_of<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Vec<Option<usize>> {
        let rows = self.rows.iter().enumerate();
        let exact: HashMap<&str, usize> = rows.map(|(row, (id, _))| (id.as_str(), row)).collect();
        let ids: Vec<&str> = ids.collect();
        let mut found: Vec<Option<usize>> = ids.iter().map(|id| exact.get(id).copied()).collect();
        let mut used = vec![false; self.rows.len()];
        found.iter().flatten().for_each(|&row| used[row] = true);
        let free_rows = (0..used.len()).filter(|&row| !used[row]);
        let rows = unique(free_rows.map(|row| (without_version(&self.rows[row].0), row)));
        let free_genes = (0..ids.len()).filter(|&gene| found[gene].is_none());
        let genes = unique(free_genes.map(|gene| (without_version(ids[gene]), gene)));
        for (stem, gene) in genes {
            let same_gene = |row: &usize| {
                let versioned = |id: &str| id != stem;
                stem.starts_with("ENS") || !versioned(ids[gene]) || !versioned(&self.rows[*row].0)
            };
            found[gene] = rows.get(stem).copied().filter(same_gene);
        }
        found
    }
}

/// The places whose key no other one has.
fn unique<'k>(keyed: impl Iterator<Item = (&'k str, usize)>) -> HashMap<&'k str, usize> {
    let mut places: HashMap<&str, Option<usize>> = HashMap::new();
    for (key, place) in keyed {
        match places.entry(key) {
            Entry::Vacant(entry) => drop(entry.insert(Some(place))),
            Entry::Occupied(mut entry) => drop(entry.insert(None)),
        }
    }
    let places = places.into_iter();
    places
        .filter_map(|(key, place)| Some((key, place?)))
        .collect()
}

fn read_table(path: &Path, wanted: Wanted<'_>) -> Result<GeneTable> {
    let mut lines = Lines::open_small(path)?;
    let mut separated_by = None;
    let mut header: Option<(u64, Vec<String>)> = None;
    let mut layout: Option<Layout> = None;
    let mut rows = Vec::new();
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
        separated_by = separated_by.or_else(|| separator(text));
        let mut fields = fields(text, separated_by.unwrap_or('\t'));
        if layout.is_none() && header.is_none() && is_header(&fields, wanted) {
            header = Some((number, fields));
            continue;
        }
        if is_summary(&fields[0]) {
            continue;
        }
        let layout = match &mut layout {
            Some(layout) => layout,
            None => {
                let (line, header) = header.take().unzip();
                let line = line.unwrap_or(number);
                layout.insert(Layout::of(path, line, header, &fields, wanted)?)
            }
        };
        while fields.len() > layout.columns && fields.last().is_some_and(String::is_empty) {
            fields.pop();
        }
        if fields.len() != layout.columns {
            let expected = format!("{} columns", layout.columns);
            return Err(bad(&expected, fields.len().to_string()));
        }
        let id = std::mem::take(&mut fields[0]);
        if id.is_empty() {
            return Err(bad("a gene id in the first column", "none".into()));
        }
        if let Some(first) = first_lines.insert(id.clone(), number) {
            let id = excerpt(id.as_bytes());
            let found = format!("gene {id} again (first on line {first})");
            return Err(bad("each gene once", found));
        }
        let field = &fields[layout.index];
        if wanted.values == Values::FoldChange
            && matches!(field.as_str(), "NA" | "NaN" | "nan" | "")
        {
            rows.push((id, f64::NAN));
            continue;
        }
        let value = field.parse::<f64>().ok().filter(|value| value.is_finite());
        let value = value.filter(|&v| v >= 0.0 || wanted.values == Values::FoldChange);
        let value = value.ok_or_else(|| {
            let expected = match wanted.values {
                Values::Expression => {
                    "an expression (counts, RPKM or TPM: a finite number, not negative, not a \
                     logarithm)"
                }
                Values::FoldChange => "a log2 fold change (a finite number, or NA)",
            };
            Error::content(
                path,
                Place::Line(number),
                format!("{expected} in column {:?}", layout.name),
                excerpt(field.as_bytes()),
                "Correct the value, or name another column",
            )
        })?;
        rows.push((id, value));
    }
    if rows.iter().all(|(_, value)| value.is_nan()) {
        return Err(Error::content(
            path,
            Place::File,
            "a table with a row per gene",
            "no gene",
            "Give a tab- or comma-separated table with gene ids in its first column",
        ));
    }
    Ok(GeneTable {
        column: layout.map(|layout| layout.name).unwrap_or_default(),
        rows,
        source: lines.finish("expression")?,
    })
}

/// Rows of htseq-count and STAR that sum up what is no gene.
fn is_summary(id: &str) -> bool {
    const STAR: [&str; 4] = ["N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous"];
    id.starts_with("__") || STAR.contains(&id)
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
            ("counted", "locus\t1\t2\nG1\t1\t5\nG2\t1\t0\n", Some("2")),
            (
                "named by numbers",
                "gene_id\t1\t2\nG1\t1\t5\nG2\t1\t0\n",
                Some("2"),
            ),
            ("named", "gene_id,a,b\nG1,1,5\nG2,1,0\n", Some("b")),
            (
                "R, quoted",
                "\"a\",\"E003\"\n\"G1\",1,5\n\"G2\",1,0\n",
                None,
            ),
            ("R, row names", "E003\tE001\nG1\t5\t1\nG2\t0\t1\n", None),
            ("R, one column", "count\nG1\t5\nG2\t0\n", None),
            ("Excel", "gene;count\r\nG1;5\r\nG2;0\r\n", None),
            (
                "with names",
                "id,description,count\nG1,\"a, b\",5\nG2,\"c \"\"d\"\"\",0\n",
                None,
            ),
            (
                "Salmon",
                "Name\tLength\tEffectiveLength\tTPM\tNumReads\nG1\t9\t8.1\t5\t3\nG2\t9\t8\t0\t0\n",
                Some("TPM"),
            ),
            (
                "RSEM",
                "gene_id\ttranscript_id(s)\tlength\teffective_length\texpected_count\tTPM\tFPKM\n\
                 G1\tT1,T2\t9\t8\t5.00\t1\t1\nG2\tT3\t9\t8\t0.00\t0\t0\n",
                Some("expected_count"),
            ),
        ];
        for (program, text, column) in tables {
            let table = expression(text, column).unwrap_or_else(|e| panic!("{program}: {e}"));
            let rows = [("G1".to_owned(), 5.0), ("G2".to_owned(), 0.0)];
            assert_eq!(table.rows, rows, "{program}");
        }
    }

    #[test]
    fn ids_with_and_without_version() {
        let table = expression("ENSG1.4\t5\nENSG2\t6\nF07C3.4\t7\nX.1\t1\nX.2\t2\n", None).unwrap();
        let rows = |ids: &[&str]| table.rows_of(ids.iter().copied());
        assert_eq!(
            rows(&["ENSG2.1", "ENSG1", "ENSG3"]),
            [Some(1), Some(0), None]
        );
        assert_eq!(rows(&["ENSG1.9"]), [Some(0)]);
        // Names with a number after a dot: no row stands for two genes, and none
        // is taken where two would do.
        assert_eq!(rows(&["F07C3.7", "F07C3.4"]), [None, Some(2)]);
        assert_eq!(rows(&["F07C3.7", "F07C3.8"]), [None, None]);
        assert_eq!(rows(&["F07C3.7"]), [None]);
        assert_eq!(rows(&["X"]), [None]);
    }

    #[test]
    fn differential_tables() {
        let deseq2 = "gene,baseMean,log2FoldChange,lfcSE,pvalue,padj\n\
                      G1,10,-1.5,0.1,0.01,0.02\nG2,0,NA,NA,NA,NA\n";
        let table = read_fold_changes(file(deseq2.as_bytes()).path(), None).unwrap();
        assert_eq!(table.rows[0], ("G1".to_owned(), -1.5));
        assert!(table.rows[1].1.is_nan());
        let empty = "gene,baseMean,log2FoldChange,padj\nG1,10,-1.5,\nG2,0,,\n";
        let table = read_fold_changes(file(empty.as_bytes()).path(), None).unwrap();
        assert_eq!(table.rows[0], ("G1".to_owned(), -1.5));
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
