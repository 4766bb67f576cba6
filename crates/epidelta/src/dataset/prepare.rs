//! From the files of a lab to an epigenome: genes of an annotation, reads or
//! signal of each mark in the bins around them, and expression.
//!
//! The genes are read once ([`Genes`]); each cell type ([`CellTypeFiles`]) is then
//! prepared from them, its files in parallel and each in one pass.

mod assemble;
mod cost;
mod genes;
mod pool;
mod prepared;
mod sheet;
mod tracks;

use std::path::{Path, PathBuf};

use super::epigenome::{Epigenome, GENE_COLUMNS, Mark, Orientation, is_printable};
use crate::{
    bins::{CountRule, CountedPart, Missing, StrandRule},
    error::{Error, Result},
    expression::{GeneTable, read_expression},
    input::Meter,
    provenance::{Provenance, ReadCounts, Source},
    signal::{Format, Pairing, ReadFilter},
};

pub use cost::PrepareCost;
pub use genes::{Genes, GenesConfig};
pub use prepared::differs_from_prepared;
pub use sheet::{read_marks, read_samples};

/// A file of a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// The mark.
    pub mark: Mark,
    /// Reads (BAM, CRAM, SAM, BED, tagAlign) or signal (bigWig, bedGraph).
    pub path: PathBuf,
    /// Control (input DNA), of the same kind.
    pub control: Option<PathBuf>,
}

/// The files of one cell type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellTypeFiles {
    /// The cell type's name.
    pub name: String,
    /// A track per file; several of one mark are replicates.
    pub tracks: Vec<Track>,
    /// The table with the expression of its genes.
    pub expression: PathBuf,
    /// The column of the table; see [`read_expression`].
    pub expression_column: Option<String>,
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

/// Numbers of signal that a cell type may have: 2 GiB.
const LARGEST: u64 = 1 << 29;

impl CellTypeFiles {
    /// The files of reads and signal, each once.
    pub fn files(&self) -> Vec<&Path> {
        let mut files: Vec<&Path> = Vec::new();
        for track in &self.tracks {
            let own = [Some(track.path.as_path()), track.control.as_deref()];
            for file in own.into_iter().flatten() {
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        files
    }

    /// The bytes of its files of reads and signal.
    pub fn bytes(&self) -> u64 {
        self.files().into_iter().map(size).sum()
    }

    /// The marks, in the order of the tracks.
    pub fn marks(&self) -> Vec<&Mark> {
        let mut marks: Vec<&Mark> = Vec::new();
        for track in &self.tracks {
            if !marks.contains(&&track.mark) {
                marks.push(&track.mark);
            }
        }
        marks
    }

    /// Reads the expression of its genes.
    ///
    /// # Errors
    /// As [`read_expression`].
    pub fn read_expression(&self) -> Result<GeneTable> {
        read_expression(
            &self.expression,
            self.expression_column.as_deref(),
            &self.name,
        )
    }

    /// Checks all that can be checked before the files are read through: names,
    /// formats, and that the result fits memory.
    ///
    /// # Errors
    /// Saying all that is wrong.
    pub fn check(&self, genes: &Genes) -> Result<()> {
        let mut problems = Vec::new();
        let mut unusable =
            |problem: String| problems.push(Error::data(problem, "Give it another name"));
        let marks = self.marks();
        for name in marks.iter().copied().chain([&self.name]) {
            if !is_printable(name) {
                unusable(format!("the name {name:?} is empty or not printable"));
            }
        }
        for mark in &marks {
            if GENE_COLUMNS.contains(&mark.as_str()) {
                unusable(format!(
                    "{mark:?} cannot be a mark, being another column's name"
                ));
            }
        }
        let windows = &genes.windows;
        let sizes = [windows.list.len(), windows.bins.count(), marks.len()];
        let numbers = sizes
            .iter()
            .fold(1_u64, |n, &size| n.saturating_mul(size as u64));
        if numbers > LARGEST {
            let [genes, bins, marks] = sizes;
            problems.push(Error::setting(
                "--bin-size, --upstream, --downstream",
                format!("{genes} genes of {bins} bins of {marks} marks do not fit memory"),
                "Choose fewer genes, larger bins or a smaller window",
            ));
        }
        let formats = self.files().into_iter().map(Format::detect);
        problems.extend(formats.filter_map(Result::err));
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::all(
                format!("{} cannot be prepared", self.name),
                problems,
            )),
        }
    }
}

/// What counts are divided by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scale {
    /// Nothing: reads are counted as they are.
    #[default]
    None,
    /// The depth: reads per million reads that pass the filter.
    Cpm,
}

impl Scale {
    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Scale::None => "none",
            Scale::Cpm => "cpm",
        }
    }
}

/// How files become numbers.
#[derive(Debug, Clone)]
pub struct PrepareConfig {
    /// Order of the bins in the result.
    pub orientation: Orientation,
    /// Which reads count.
    pub filter: ReadFilter,
    /// Which part of a read counts, and where.
    pub count: CountRule,
    /// What bases without signal are.
    pub missing: Missing,
    /// What counts are divided by.
    pub scale: Scale,
    /// FASTA for CRAM, with its index beside it.
    pub reference: Option<PathBuf>,
    /// What the signal is, where the files cannot tell: `-log10 p`, ...
    pub signal_unit: Option<String>,
    /// Unit of the expression: `reads`, `RPKM`, `TPM`, ...
    pub expression_unit: String,
    /// The genome assembly, where known.
    pub genome: Option<String>,
    /// Counts the bytes that were read.
    pub meter: Meter,
}

impl Default for PrepareConfig {
    fn default() -> Self {
        PrepareConfig {
            orientation: Orientation::Strand,
            filter: ReadFilter::default(),
            count: CountRule::default(),
            missing: Missing::default(),
            scale: Scale::default(),
            reference: None,
            signal_unit: None,
            expression_unit: "reads".into(),
            genome: None,
            meter: Meter::default(),
        }
    }
}

/// What became of a file of reads or signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackSummary {
    /// The file.
    pub path: PathBuf,
    /// What became of its reads, if it holds any.
    pub reads: Option<ReadCounts>,
    /// Contigs known by their other customary name: in the file, in the annotation.
    pub renamed: Vec<(String, String)>,
    /// Contigs on which no gene lies.
    pub without_genes: Vec<String>,
    /// Chromosomes that the file does not have, and how many genes lie there; their
    /// signal is zero.
    pub absent: Vec<(String, usize)>,
    /// Contigs left out, as the file has another one by the same name in another
    /// custom.
    pub ambiguous: Vec<String>,
    /// Genes, of how many, without any signal of this file in their windows.
    pub genes_without_signal: (usize, usize),
    /// Options that do not act on it, as its format lacks what they ask for.
    pub unused_options: Vec<&'static str>,
}

/// What preparing a cell type left out or found unusual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrepareSummary {
    /// Genes of the annotation that the expression table lacks, left out.
    pub without_expression: Vec<String>,
    /// Rows of the expression table without a gene, left out.
    pub without_gene: Vec<String>,
    /// Genes whose windows reach over an end of their chromosome.
    pub over_edge: Vec<String>,
    /// Whether expression given as reads has values that are no whole numbers.
    pub fractional_reads: bool,
    /// The files.
    pub tracks: Vec<TrackSummary>,
}

/// Prepares a cell type.
///
/// # Errors
/// When a file cannot be read, is damaged or breaks its format, when files do not
/// fit together (no chromosome or no gene in common, chromosomes of different
/// lengths, reads and signal of one mark), or no read passes the filter.
pub fn prepare(
    files: &CellTypeFiles,
    genes: &Genes,
    config: &PrepareConfig,
) -> Result<(Epigenome, PrepareSummary)> {
    if config.orientation == Orientation::Strand || config.count.strand != StrandRule::Both {
        genes.check_strands()?;
    }
    genes.check_orientation(config.orientation)?;
    files.check(genes)?;
    let expression = files.read_expression()?;
    let mut provenance = Provenance::new("prepare");
    provenance.settings = settings(files, genes, config, &expression.column);
    provenance.sources.extend(genes.sources.iter().cloned());
    provenance.sources.push(expression.source.clone());

    let mut summary = PrepareSummary::default();
    let (mut windows, values) = assemble::with_expression(genes, &expression, &mut summary)?;
    summary.fractional_reads =
        config.expression_unit == "reads" && values.iter().any(|value| value.fract() != 0.0);
    let signal = tracks::read(files, &windows, &genes.given_sizes(), config)?;
    summary.tracks = signal.summaries;
    provenance.sources.extend(signal.sources);
    let sizes = genes.sizes(signal.sizes)?;
    assemble::check_genome(&windows, &sizes)?;
    let before: Vec<String> = windows.list.iter().map(|w| w.gene_id.clone()).collect();
    summary.over_edge = windows.handle_edges(genes.edges, &sizes);
    let epigenome = assemble::epigenome(assemble::Parts {
        name: &files.name,
        windows: &windows,
        rows_before: &before,
        expression: &values,
        library_size: expression.rows.iter().map(|(_, value)| value).sum(),
        marks: signal.marks,
        unit: signal.unit,
        config,
        provenance,
    })?;
    Ok((epigenome, summary))
}

/// The settings that shaped the numbers, by the names of the command line.
fn settings(
    files: &CellTypeFiles,
    genes: &Genes,
    config: &PrepareConfig,
    expression_column: &str,
) -> std::collections::BTreeMap<String, String> {
    let PrepareConfig { filter, count, .. } = config;
    let keep = |kept: bool| if kept { "keep" } else { "drop" }.to_owned();
    let bins = genes.windows.bins;
    let mut settings = vec![
        ("cell_type", files.name.clone()),
        ("annotation_format", genes.format.name().into()),
        ("gene_type", genes.types.join(",")),
        ("tss", genes.tss.name().into()),
        ("bin_size", bins.size.to_string()),
        ("upstream", bins.upstream.to_string()),
        ("downstream", bins.downstream.to_string()),
        ("edges", genes.edges.name().into()),
        ("orient", config.orientation.name().into()),
        ("count", count.part.name().into()),
        (
            "extend",
            count.extend.map_or("no".into(), |bp| bp.to_string()),
        ),
        ("shift", count.shift.to_string()),
        ("strand", count.strand.name().into()),
        ("min_mapq", filter.min_mapping_quality.to_string()),
        ("duplicates", keep(filter.keep_duplicates)),
        ("qc_fail", keep(filter.keep_qc_fail)),
        ("secondary", keep(filter.keep_secondary)),
        ("supplementary", keep(filter.keep_supplementary)),
        ("paired", filter.pairing.name().into()),
        ("missing", config.missing.name().into()),
        ("scale", config.scale.name().into()),
        ("expression_column", expression_column.to_owned()),
    ];
    if let Some(reference) = config.reference.as_ref().and_then(|path| path.file_name()) {
        settings.push(("reference", reference.to_string_lossy().into_owned()));
    }
    let owned = |(name, value): (&str, String)| (name.to_owned(), value);
    settings.into_iter().map(owned).collect()
}

/// What one read is, in the unit of the signal.
fn unit_of_reads(config: &PrepareConfig) -> String {
    let item = match config.filter.pairing {
        Pairing::Reads => "reads",
        Pairing::Fragment => "fragments",
    };
    let part = match config.count.part {
        CountedPart::Overlap => item.to_owned(),
        CountedPart::FivePrime => format!("5' ends of {item}"),
        CountedPart::Midpoint => format!("midpoints of {item}"),
    };
    match config.scale {
        Scale::None => part,
        Scale::Cpm => format!("{part} per million"),
    }
}

/// A source used as the track of a mark.
fn with_role(mut source: Source, role: String) -> Source {
    source.role = role;
    source
}
