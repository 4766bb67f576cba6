//! One cell type: for every gene the signal of each mark in the bins around its
//! transcription start site, and its expression.

mod signal;

use std::{collections::HashSet, fmt, str::FromStr};

pub use signal::Signal;

use crate::{error::Place, genome::Strand};

/// The part of an experiment a gene belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Split {
    /// Weights are fitted on these genes.
    Train,
    /// Choices (the best epoch) are made on these genes.
    Valid,
    /// Accuracy is reported on these genes.
    Test,
}

impl Split {
    /// All splits in the order in which they are reported.
    pub const ALL: [Split; 3] = [Split::Train, Split::Valid, Split::Test];

    /// The name used in files: `train`, `valid`, `test`.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Valid => "valid",
            Split::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Split {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Split::ALL
            .into_iter()
            .find(|split| split.name() == text)
            .ok_or_else(|| format!("{text:?} is not a split (train, valid or test)"))
    }
}

/// The order of the bins of a gene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orientation {
    /// Along the chromosome, whatever the gene's strand (as DeepDiff's data).
    Genome,
    /// Upstream first: bins of genes on the reverse strand are flipped.
    Strand,
}

impl Orientation {
    /// The name used in files: `genome`, `strand`.
    pub fn name(self) -> &'static str {
        match self {
            Orientation::Genome => "genome",
            Orientation::Strand => "strand",
        }
    }
}

impl FromStr for Orientation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "genome" => Ok(Orientation::Genome),
            "strand" => Ok(Orientation::Strand),
            other => Err(format!(
                "{other:?} is not an orientation (genome or strand)"
            )),
        }
    }
}

/// The unit of expression that is numbers of reads.
pub const READS: &str = "reads";

/// What the numbers of an epigenome are and where they come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// The cell type's name.
    pub cell_type: String,
    /// Width of a bin, bp.
    pub bin_size: u32,
    /// Distance the window reaches upstream of the TSS, bp.
    pub upstream: u32,
    /// Distance the window reaches downstream of the TSS, bp.
    pub downstream: u32,
    /// The order of the bins.
    pub orientation: Orientation,
    /// Unit of the signal: `reads`, `arcsinh(-log10 p)`, ...
    pub signal_unit: String,
    /// Unit of the expression: `reads`, `RPKM`, `TPM`, ...
    pub expression_unit: String,
    /// Expression of all genes that were measured, these or not, together.
    pub library_size: Option<f64>,
    /// The genome assembly, where known.
    pub genome: Option<String>,
    /// How the file was made, a JSON text.
    pub provenance: Option<String>,
}

impl Metadata {
    /// Whether expression is in read counts.
    pub fn is_in_reads(&self) -> bool {
        self.expression_unit == READS
    }

    /// Where a bin begins, bp downstream of the TSS, where bins run from upstream on.
    pub fn position(&self, bin: usize) -> i64 {
        bin as i64 * i64::from(self.bin_size) - i64::from(self.upstream)
    }
}

/// A gene of an epigenome, without its signal.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneRecord {
    /// The gene id by which cell types are joined.
    pub gene_id: String,
    /// The gene symbol.
    pub gene_name: Option<String>,
    /// The chromosome, where known.
    pub chrom: Option<String>,
    /// The transcription start site, bp, 0-based, where known.
    pub tss: Option<i64>,
    /// The strand, where known.
    pub strand: Option<Strand>,
    /// The split, where the data come with one.
    pub split: Option<Split>,
    /// Expression in the unit of the metadata, not negative.
    pub expression: f64,
}

/// The name of a histone mark (or any other track).
pub type Mark = String;

/// One cell type.
#[derive(Debug, Clone, PartialEq)]
pub struct Epigenome {
    /// What the numbers are.
    pub metadata: Metadata,
    /// The marks, in the order of the signal.
    pub marks: Vec<Mark>,
    /// The number of bins of each mark.
    pub bins: usize,
    /// The genes, in the order of the signal.
    pub genes: Vec<GeneRecord>,
    /// The signal, `[gene, mark, bin]`.
    pub signal: Signal,
}

/// A cell type as its file's footer tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct EpigenomeOutline {
    /// What the numbers are.
    pub metadata: Metadata,
    /// The marks.
    pub marks: Vec<Mark>,
    /// The number of bins of each mark.
    pub bins: usize,
    /// The number of genes.
    pub genes: usize,
}

/// What makes an epigenome unusable.
#[derive(Debug)]
pub(crate) struct Flaw {
    pub(crate) place: Place,
    pub(crate) expected: &'static str,
    pub(crate) found: String,
}

pub(crate) fn is_printable(name: &str) -> bool {
    !name.trim().is_empty() && !name.chars().any(char::is_control)
}

/// The columns of the file that are not marks.
pub(crate) const GENE_COLUMNS: [&str; 7] = [
    "gene_id",
    "gene_name",
    "chrom",
    "tss",
    "strand",
    "split",
    "expression",
];

/// How far a window of `bins` bins with the TSS in its middle reaches upstream and
/// downstream, bp.
pub(crate) fn window(bins: usize, bin_size: u32) -> (u32, u32) {
    let width = u32::try_from(bins)
        .unwrap_or(u32::MAX)
        .saturating_mul(bin_size);
    (width / 2, width - width / 2)
}

impl Epigenome {
    /// The signal of one gene, `[mark, bin]`.
    pub fn signal_of(&self, gene: usize) -> &[f32] {
        let size = self.marks.len() * self.bins;
        &self.signal[gene * size..][..size]
    }

    /// This cell type without any gene.
    pub(crate) fn without_genes(&self) -> Self {
        Epigenome {
            metadata: self.metadata.clone(),
            marks: self.marks.clone(),
            bins: self.bins,
            genes: Vec::new(),
            signal: Signal::default(),
        }
    }

    /// The first thing that makes this epigenome unusable, if there is one.
    pub(crate) fn flaw(&self) -> Option<Flaw> {
        self.flaw_of_metadata()
            .or_else(|| self.flaw_of_marks())
            .or_else(|| self.flaw_of_genes())
    }

    fn flaw_of_metadata(&self) -> Option<Flaw> {
        let m = &self.metadata;
        let flaw = |expected, found| {
            Some(Flaw {
                place: Place::File,
                expected,
                found,
            })
        };
        if !is_printable(&m.cell_type) {
            let expected = "a name of the cell type, printable";
            return flaw(expected, format!("{:?}", m.cell_type));
        }
        let width = self.bins as u64 * u64::from(m.bin_size);
        if width == 0 || width != u64::from(m.upstream) + u64::from(m.downstream) {
            return flaw(
                "a window of as many bp as its bins have together",
                format!(
                    "{} bins of {} bp for {} bp upstream and {} bp downstream",
                    self.bins, m.bin_size, m.upstream, m.downstream
                ),
            );
        }
        None
    }

    fn flaw_of_marks(&self) -> Option<Flaw> {
        for (i, mark) in self.marks.iter().enumerate() {
            let found = if !is_printable(mark) {
                "a name that is empty or not printable"
            } else if GENE_COLUMNS.contains(&mark.as_str()) {
                "the name of a gene column"
            } else if self.marks[..i].contains(mark) {
                "the name of an earlier mark"
            } else {
                continue;
            };
            return Some(Flaw {
                place: Place::Column(mark.clone()),
                expected: "a mark's own, printable name",
                found: found.into(),
            });
        }
        None
    }

    fn flaw_of_genes(&self) -> Option<Flaw> {
        let flaw = |gene: &GeneRecord, expected, found: String| {
            Some(Flaw {
                place: Place::Gene(gene.gene_id.clone()),
                expected,
                found,
            })
        };
        let mut seen = HashSet::with_capacity(self.genes.len());
        for (row, gene) in self.genes.iter().enumerate() {
            let id = gene.gene_id.as_str();
            if id.is_empty() || id.contains(|c: char| c.is_whitespace() || c.is_control()) {
                let found = format!("{id:?} in row {}", row + 1);
                return flaw(gene, "an id without spaces", found);
            }
            if !seen.insert(id) {
                return flaw(gene, "each gene once", "a second row of it".into());
            }
            if !(gene.expression.is_finite() && gene.expression >= 0.0) {
                let expected = "an expression that is finite and not negative";
                return flaw(gene, expected, gene.expression.to_string());
            }
            let signal = self.signal_of(row);
            if let Some(position) = signal.iter().position(|v| !v.is_finite()) {
                let (mark, bin) = (position / self.bins, position % self.bins + 1);
                let found = format!("{} in bin {bin} of {}", signal[position], self.marks[mark]);
                return flaw(gene, "finite signal", found);
            }
        }
        None
    }

    /// This cell type with these marks, in this order; the signal of those that it lacks is
    /// zero.
    #[must_use]
    pub fn with_marks(mut self, marks: &[Mark]) -> Self {
        if self.marks == marks {
            return self;
        }
        let place = |mark: &Mark| self.marks.iter().position(|m| m == mark);
        let places: Vec<Option<usize>> = marks.iter().map(place).collect();
        let mut signal = Vec::with_capacity(self.genes.len() * marks.len() * self.bins);
        for of_gene in self.signal.chunks(self.marks.len() * self.bins) {
            for place in &places {
                match place {
                    Some(mark) => {
                        signal.extend_from_slice(&of_gene[mark * self.bins..][..self.bins])
                    }
                    None => signal.resize(signal.len() + self.bins, 0.0),
                }
            }
        }
        self.signal = signal.into();
        self.marks = marks.to_vec();
        self
    }

    /// Whether every signal is a whole number that fits 16 bits, as read counts
    /// do; such files are stored as integers.
    pub fn is_counts(&self) -> bool {
        self.signal
            .iter()
            .all(|&v| v >= 0.0 && v <= f32::from(u16::MAX) && v.fract() == 0.0)
    }
}
