//! The published DeepDiff data: per split a CSV without header, one line per
//! bin, `geneID_name_bin,count,count,...` with consecutive bins of a gene
//! numbered from 1, and a CSV `geneID,count` with the expression of all genes.
//!
//! Source: QData/DeepDiffChrome, folder `data`. Bins run along the chromosome on
//! both strands, and the window reaches 10 kb to either side of the TSS.

use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
};

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::epigenome::{Epigenome, GeneRecord, Mark, Metadata, Orientation, Split, window};
use crate::{
    annotation::{GeneIndex, read_annotation},
    error::{Error, Place, Result},
    genome::Strand,
    provenance::{Provenance, source},
};

/// The files of one cell type and how to read them.
#[derive(Debug, Clone)]
pub struct DeepDiffFiles {
    /// The cell type's name.
    pub cell_type: String,
    /// Expression of every gene, read counts.
    pub expression: PathBuf,
    /// Binned signal of each split.
    pub signal: Vec<(Split, PathBuf)>,
    /// The marks, in the order of the columns.
    pub marks: Vec<Mark>,
    /// Width of a bin, bp.
    pub bin_size: u32,
    /// Annotation (GTF) from which coordinates are filled in.
    pub annotation: Option<PathBuf>,
    /// Order of the bins in the result; `Strand` needs the annotation.
    pub orientation: Orientation,
}

/// What an import read and left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Genes with signal but without expression, left out.
    pub without_expression: Vec<String>,
    /// Genes that the annotation does not have; their coordinates stay unknown.
    pub without_annotation: Vec<String>,
}

/// Reads a cell type of the published data.
///
/// # Errors
/// When a file is missing or malformed (the error names the line), a gene has
/// another number of bins than the first, a gene stands twice, or `--orient
/// strand` is asked for a gene whose strand is unknown.
pub fn import_deepdiff(files: &DeepDiffFiles) -> Result<(Epigenome, ImportSummary)> {
    let expression = read_expression(&files.expression)?;
    let annotation = files.annotation.as_deref().map(read_annotation);
    let annotation = annotation.transpose()?.map(|annotation| annotation.genes);
    let annotation = annotation.as_deref().map(GeneIndex::new);
    let mut table = SignalTable::default();
    for (split, path) in &files.signal {
        table.read(path, *split, files.marks.len())?;
    }
    let bins = table.bins.ok_or_else(|| {
        Error::data(
            "no signal file was given",
            "Give at least one of --train, --valid and --test",
        )
    })?;

    let mut summary = ImportSummary::default();
    let mut epigenome = Epigenome {
        metadata: metadata(files, bins, sum(&expression))?,
        marks: files.marks.clone(),
        bins,
        genes: Vec::with_capacity(table.genes.len()),
        signal: Vec::with_capacity(table.signal.len()).into(),
    };
    for (row, gene) in table.genes.iter().enumerate() {
        let Some(&expression) = expression.get(&gene.id) else {
            summary.without_expression.push(gene.id.clone());
            continue;
        };
        let annotated = annotation.as_ref().and_then(|index| index.get(&gene.id));
        if annotated.is_none() && annotation.is_some() {
            summary.without_annotation.push(gene.id.clone());
        }
        let strand = annotated.map(|g| g.strand);
        let flip = match (files.orientation, strand) {
            (Orientation::Genome, _) => false,
            (Orientation::Strand, Some(strand)) => strand == Strand::Reverse,
            (Orientation::Strand, None) => return Err(strand_unknown(files, &gene.id)),
        };
        let size = bins * files.marks.len();
        append_gene(
            &mut epigenome.signal,
            &table.signal[row * size..][..size],
            files.marks.len(),
            flip,
        );
        epigenome.genes.push(GeneRecord {
            gene_id: gene.id.clone(),
            gene_name: Some(gene.name.clone()).filter(|name| !name.is_empty()),
            chrom: annotated.map(|g| g.chrom.clone()),
            tss: annotated.map(|g| g.tss),
            strand,
            split: Some(gene.split),
            expression,
        });
    }
    if epigenome.genes.is_empty() {
        return Err(Error::data(
            format!(
                "no gene of the signal files has an expression in {}",
                files.expression.display()
            ),
            "Check that both use the same gene ids",
        ));
    }
    Ok((epigenome, summary))
}

fn strand_unknown(files: &DeepDiffFiles, gene: &str) -> Error {
    match &files.annotation {
        None => Error::data(
            "--orient strand needs the strand of every gene",
            "Give the annotation with --genes, or keep --orient genome",
        ),
        Some(path) => Error::content(
            path,
            Place::Gene(gene.into()),
            "the gene's strand, which --orient strand needs",
            "no such gene",
            "Give the annotation of the same release as the data, or keep --orient genome",
        ),
    }
}

/// Turns a gene's lines, `[bin, mark]`, into `[mark, bin]`, flipped if asked.
fn append_gene(signal: &mut Vec<f32>, lines: &[f32], marks: usize, flip: bool) {
    let bins = lines.len() / marks;
    for mark in 0..marks {
        let value = |bin: usize| lines[bin * marks + mark];
        if flip {
            signal.extend((0..bins).rev().map(value));
        } else {
            signal.extend((0..bins).map(value));
        }
    }
}

fn metadata(files: &DeepDiffFiles, bins: usize, library_size: f64) -> Result<Metadata> {
    let mut provenance = Provenance::new("import deepdiff");
    provenance.settings.extend(
        [
            ("marks", files.marks.join(",")),
            ("bin_size", files.bin_size.to_string()),
            ("orient", files.orientation.name().to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    );
    for (split, path) in &files.signal {
        let role = format!("signal, {split}");
        provenance.sources.push(source(&role, path)?);
    }
    provenance
        .sources
        .push(source("expression", &files.expression)?);
    if let Some(path) = &files.annotation {
        provenance.sources.push(source("annotation", path)?);
    }
    let (upstream, downstream) = window(bins, files.bin_size);
    Ok(Metadata {
        cell_type: files.cell_type.clone(),
        bin_size: files.bin_size,
        upstream,
        downstream,
        orientation: files.orientation,
        signal_unit: "reads".into(),
        expression_unit: "reads".into(),
        library_size: Some(library_size),
        genome: None,
        provenance: Some(provenance.to_json()),
    })
}

/// In an order that does not change from run to run.
fn sum(expression: &HashMap<String, f64>) -> f64 {
    let mut values: Vec<f64> = expression.values().copied().collect();
    values.sort_by(f64::total_cmp);
    values.iter().sum()
}

struct TableGene {
    id: String,
    name: String,
    split: Split,
}

/// The signal files read so far.
#[derive(Default)]
struct SignalTable {
    genes: Vec<TableGene>,
    /// Counts in file order, `[gene, bin, mark]`.
    signal: Vec<f32>,
    bins: Option<usize>,
    first_line: HashMap<String, String>,
}

impl SignalTable {
    fn read(&mut self, path: &Path, split: Split, marks: usize) -> Result<()> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let mut reader = csv_reader(file);
        let mut record = ByteRecord::new();
        let mut id = String::new();
        let mut bins_read = 0;
        let mut last_line = 0;
        while reader
            .read_byte_record(&mut record)
            .map_err(|e| Error::io("read", path)(std::io::Error::other(e)))?
        {
            let line = record.position().map_or(0, csv::Position::line);
            last_line = line;
            let (line_id, line_name, bin) = parse_key(path, line, &record)?;
            if line_id != id {
                self.finish_gene(path, line - 1, &id, bins_read)?;
                let here = format!("{}, line {line}", path.display());
                if let Some(earlier) = self.first_line.insert(line_id.to_owned(), here) {
                    return Err(Error::content(
                        path,
                        Place::Line(line),
                        "each gene once, its bins on consecutive lines",
                        format!("gene {line_id} again (first at {earlier})"),
                        "Remove the repeated gene, from one of the splits or within one",
                    ));
                }
                (id, bins_read) = (line_id.to_owned(), 0);
                self.genes.push(TableGene {
                    id: id.clone(),
                    name: line_name.to_owned(),
                    split,
                });
            }
            if bin != bins_read + 1 {
                return Err(Error::content(
                    path,
                    Place::Line(line),
                    format!("bin {} of gene {id}", bins_read + 1),
                    format!("bin {bin}"),
                    "Bins of a gene are consecutive lines, numbered from 1",
                ));
            }
            bins_read = bin;
            self.read_counts(path, line, &record, marks)?;
        }
        if last_line == 0 {
            return Err(Error::content(
                path,
                Place::File,
                "lines of the form geneID_name_bin,count,...",
                "an empty file",
                "Give the published CSV of this split, or leave the option out",
            ));
        }
        self.finish_gene(path, last_line, &id, bins_read)
    }

    fn read_counts(
        &mut self,
        path: &Path,
        line: u64,
        record: &ByteRecord,
        marks: usize,
    ) -> Result<()> {
        if record.len() != marks + 1 {
            return Err(Error::content(
                path,
                Place::Line(line),
                format!("{} columns (gene and bin, then {marks} marks)", marks + 1),
                format!("{}", record.len()),
                "If the data have other marks than the published ones, name them with --marks",
            ));
        }
        for field in record.iter().skip(1) {
            let text = String::from_utf8_lossy(field);
            let count: Option<f32> = text.trim().parse().ok();
            match count.filter(|c| c.is_finite() && *c >= 0.0) {
                Some(count) => self.signal.push(count),
                None => {
                    return Err(Error::content(
                        path,
                        Place::Line(line),
                        "a read count (a finite number, not negative)",
                        format!("{text:?}"),
                        "Correct the line; DeepDiff's files hold raw read counts",
                    ));
                }
            }
        }
        Ok(())
    }

    fn finish_gene(&mut self, path: &Path, line: u64, id: &str, bins_read: usize) -> Result<()> {
        if id.is_empty() {
            return Ok(());
        }
        let bins = *self.bins.get_or_insert(bins_read);
        if bins == bins_read {
            return Ok(());
        }
        Err(Error::content(
            path,
            Place::Line(line),
            format!("{bins} bins for every gene, as for the first"),
            format!("{bins_read} bins for gene {id}"),
            "The file may be truncated: copy it again, or remove the gene",
        ))
    }
}

/// Splits `ENSG00000130749_ZC3H4_12` into id, name and bin; the name may itself
/// hold underscores or be absent.
fn parse_key<'r>(
    path: &Path,
    line: u64,
    record: &'r ByteRecord,
) -> Result<(&'r str, &'r str, usize)> {
    let key = record.get(0).unwrap_or_default();
    let text = std::str::from_utf8(key).ok();
    text.and_then(|text| {
        let (gene, bin) = text.rsplit_once('_')?;
        let (id, name) = gene.split_once('_').unwrap_or((gene, ""));
        Some((id, name, bin.parse().ok()?)).filter(|_| !id.is_empty())
    })
    .ok_or_else(|| {
        Error::content(
            path,
            Place::Line(line),
            "geneID_name_bin in the first column",
            format!("{:?}", String::from_utf8_lossy(key)),
            "The published files have no header; remove it if there is one",
        )
    })
}

/// Lines end at a line feed, so that the reader's line numbers are right for
/// files with carriage returns too; these are trimmed with the last field.
fn csv_reader(file: File) -> csv::Reader<File> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .quoting(false)
        .terminator(Terminator::Any(b'\n'))
        .from_reader(file)
}

fn read_expression(path: &Path) -> Result<HashMap<String, f64>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut reader = csv_reader(file);
    let mut expression = HashMap::new();
    let mut record = csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|e| Error::io("read", path)(std::io::Error::other(e)))?
    {
        let line = record.position().map_or(0, csv::Position::line);
        let bad = |expected: &str, found: String| {
            Error::content(
                path,
                Place::Line(line),
                expected,
                found,
                "Each line is geneID,count, without header",
            )
        };
        if record.len() != 2 {
            return Err(bad("2 columns (gene and count)", record.len().to_string()));
        }
        let value: Option<f64> = record[1].trim().parse().ok();
        let value = value
            .filter(|v| v.is_finite() && *v >= 0.0)
            .ok_or_else(|| {
                bad(
                    "an expression (a finite number, not negative)",
                    format!("{:?}", &record[1]),
                )
            })?;
        if expression
            .insert(record[0].trim().to_owned(), value)
            .is_some()
        {
            return Err(bad("each gene once", format!("gene {} again", &record[0])));
        }
    }
    Ok(expression)
}
