//! Arguments of `epidelta prepare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, value_parser};
use epidelta::{
    annotation::{AnnotationFormat, TssRule},
    bins::{Bins, CountRule, CountedPart, Edges, Missing, StrandRule},
    dataset::{GenesConfig, Orientation, PrepareConfig, Scale},
    input::Meter,
    signal::{Pairing, ReadFilter},
};

/// Turn reads or signal, an annotation and expression into an epigenome.parquet
///
/// marks.tsv, with a header line, lists the files of a cell type: mark, path and optionally control,
/// paths relative to the list. Several rows of one mark are replicates: reads are summed, signal is
/// averaged. A control is scaled to the depth of its mark's reads and subtracted; what is below zero
/// becomes zero. Reads: BAM, CRAM, SAM, BED or tagAlign; signal: bigWig or bedGraph; text plain or
/// gzipped; reads sorted or not, without index.
///
/// samples.tsv lists the files of many cell types: cell_type, mark, path and optionally control,
/// expression (a table) and expression_column; -o is then a folder that gets a
/// CELL_TYPE.parquet for each.
///
/// Writes an epigenome.parquet: gene_id, gene_name, chrom, tss (0-based), strand, split (null),
/// expression, and per mark a list with a number per bin: reads that overlap the bin, as
/// `bedtools multicov` counts them, or the mean signal.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("files").required(true))]
pub struct Prepare {
    /// The files of one cell type
    #[arg(
        long,
        value_name = "TSV",
        group = "files",
        requires = "cell_type",
        requires = "expression"
    )]
    pub marks: Option<PathBuf>,
    /// The files of many cell types
    #[arg(long, value_name = "TSV", group = "files")]
    pub samples: Option<PathBuf>,
    /// Name of the cell type; with --samples, of the only one to prepare
    #[arg(long, value_name = "NAME")]
    pub cell_type: Option<String>,
    /// Annotation: GTF, GFF3 or BED, plain or gzip, or a BED of windows named by gene
    #[arg(long, value_name = "FILE")]
    pub genes: PathBuf,
    /// Expression: a table with gene ids in its first column, tab- or comma-separated
    #[arg(long, value_name = "TABLE")]
    pub expression: Option<PathBuf>,
    /// The file to write, or the folder with --samples
    #[arg(long, short, value_name = "PATH", required_unless_present = "check")]
    pub output: Option<PathBuf>,
    /// Replace the output if it exists
    #[arg(long)]
    pub force: bool,
    /// Keep the files of cell types that an earlier `prepare` of the same files and settings has
    /// made, and make the others
    #[arg(long, conflicts_with = "force", requires = "samples")]
    pub resume: bool,
    /// Find what is wrong with the files' formats, the annotation and the tables of expression, and
    /// write nothing. Prints what each cell type will take: cell_type, genes, marks, bins, bytes,
    /// minutes (on one thread of the machine that docs/planning.md is about) and memory_mb
    #[arg(long)]
    pub check: bool,

    /// Width of a bin, bp
    #[arg(long, value_name = "BP", default_value_t = 100, value_parser = value_parser!(u32).range(1..), help_heading = "Bins")]
    pub bin_size: u32,
    /// How far windows reach upstream of the TSS, bp
    #[arg(
        long,
        value_name = "BP",
        default_value_t = 10_000,
        help_heading = "Bins"
    )]
    pub upstream: u32,
    /// How far windows reach downstream of the TSS, bp
    #[arg(
        long,
        value_name = "BP",
        default_value_t = 10_000,
        help_heading = "Bins"
    )]
    pub downstream: u32,
    /// Order of a gene's bins
    #[arg(long, value_enum, default_value = "strand", help_heading = "Bins")]
    pub orient: Orient,
    /// Windows that leave the chromosome
    #[arg(long, value_enum, default_value = "pad", help_heading = "Bins")]
    pub edges: EdgesArgument,
    /// Chromosome sizes, where the files do not tell them (BED, bedGraph)
    #[arg(long, value_name = "TSV", help_heading = "Bins")]
    pub chrom_sizes: Option<PathBuf>,

    /// Format of the annotation [default: by name and content]
    #[arg(long, value_enum, help_heading = "Genes and expression")]
    pub genes_format: Option<GenesFormat>,
    /// Types of genes to take, as in protein_coding,lncRNA [default: all]
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "TYPES",
        help_heading = "Genes and expression"
    )]
    pub gene_type: Vec<String>,
    /// Which start of a gene is its TSS
    #[arg(
        long,
        value_enum,
        default_value = "gene",
        help_heading = "Genes and expression"
    )]
    pub tss: Tss,
    /// Column of the expression table, by name, or by number in a table without header
    /// [default: the only one, or the one named as the cell type]
    #[arg(long, value_name = "COLUMN", help_heading = "Genes and expression")]
    pub expression_column: Option<String>,
    /// What the expression is: reads, RPKM, TPM
    #[arg(
        long,
        value_name = "UNIT",
        default_value = "reads",
        help_heading = "Genes and expression"
    )]
    pub expression_unit: String,
    /// Genome assembly, kept in the file: hg38
    #[arg(long, value_name = "NAME", help_heading = "Genes and expression")]
    pub genome: Option<String>,

    /// Which part of a read counts
    #[arg(long, value_enum, default_value = "overlap", help_heading = "Reads")]
    pub count: Count,
    /// Length to which reads are extended from their 5' end, bp
    #[arg(long, value_name = "BP", value_parser = value_parser!(u32).range(1..), help_heading = "Reads")]
    pub extend: Option<u32>,
    /// Distance by which reads are moved towards their 3' end, bp
    #[arg(
        long,
        value_name = "BP",
        default_value_t = 0,
        allow_negative_numbers = true,
        help_heading = "Reads"
    )]
    pub shift: i32,
    /// Which strand a read must lie on, relative to the gene
    #[arg(long, value_enum, default_value = "both", help_heading = "Reads")]
    pub strand: StrandArgument,
    /// What is counted of paired-end reads
    #[arg(long, value_enum, default_value = "reads", help_heading = "Reads")]
    pub paired: Paired,
    /// Least mapping quality; 255, which means unknown, passes
    #[arg(long, value_name = "Q", default_value_t = 0, help_heading = "Reads")]
    pub min_mapq: u8,
    /// Reads flagged as duplicates
    #[arg(long, value_enum, default_value = "drop", help_heading = "Reads")]
    pub duplicates: Keep,
    /// Reads that failed quality control
    #[arg(long, value_enum, default_value = "drop", help_heading = "Reads")]
    pub qc_fail: Keep,
    /// Secondary alignments
    #[arg(long, value_enum, default_value = "keep", help_heading = "Reads")]
    pub secondary: Keep,
    /// Supplementary alignments
    #[arg(long, value_enum, default_value = "keep", help_heading = "Reads")]
    pub supplementary: Keep,
    /// What counts are divided by
    #[arg(long, value_enum, default_value = "none", help_heading = "Reads")]
    pub scale: ScaleArgument,
    /// FASTA that CRAM files were made with, its .fai beside it
    #[arg(long, value_name = "FASTA", help_heading = "Reads")]
    pub reference: Option<PathBuf>,

    /// Bases without data in bigWig and bedGraph
    #[arg(long, value_enum, default_value = "zero", help_heading = "Signal")]
    pub missing: MissingArgument,
    /// What the signal is, kept in the file: "-log10 p" [default: reads or mean signal]
    #[arg(
        long,
        value_name = "UNIT",
        allow_hyphen_values = true,
        help_heading = "Signal"
    )]
    pub signal_unit: Option<String>,
}

impl Prepare {
    /// Where genes come from.
    pub fn genes_config(&self) -> GenesConfig {
        GenesConfig {
            path: self.genes.clone(),
            format: self.genes_format.map(|format| match format {
                GenesFormat::Gtf => AnnotationFormat::Gtf,
                GenesFormat::Gff3 => AnnotationFormat::Gff3,
                GenesFormat::Bed => AnnotationFormat::Bed,
                GenesFormat::Windows => AnnotationFormat::Windows,
            }),
            types: self
                .gene_type
                .iter()
                .map(|name| name.trim().to_owned())
                .collect(),
            tss: match self.tss {
                Tss::Gene => TssRule::Gene,
                Tss::Transcript => TssRule::Transcript,
            },
            bins: Bins {
                size: self.bin_size,
                upstream: self.upstream,
                downstream: self.downstream,
            },
            edges: match self.edges {
                EdgesArgument::Pad => Edges::Pad,
                EdgesArgument::Drop => Edges::Drop,
            },
            chrom_sizes: self.chrom_sizes.clone(),
        }
    }

    /// How files become numbers.
    pub fn config(&self, meter: Meter) -> PrepareConfig {
        PrepareConfig {
            orientation: match self.orient {
                Orient::Strand => Orientation::Strand,
                Orient::Genome => Orientation::Genome,
            },
            filter: ReadFilter {
                min_mapping_quality: self.min_mapq,
                keep_duplicates: self.duplicates == Keep::Keep,
                keep_qc_fail: self.qc_fail == Keep::Keep,
                keep_secondary: self.secondary == Keep::Keep,
                keep_supplementary: self.supplementary == Keep::Keep,
                pairing: match self.paired {
                    Paired::Reads => Pairing::Reads,
                    Paired::Fragment => Pairing::Fragment,
                },
            },
            count: CountRule {
                part: match self.count {
                    Count::Overlap => CountedPart::Overlap,
                    Count::FivePrime => CountedPart::FivePrime,
                    Count::Midpoint => CountedPart::Midpoint,
                },
                extend: self.extend,
                shift: self.shift,
                strand: match self.strand {
                    StrandArgument::Both => StrandRule::Both,
                    StrandArgument::Same => StrandRule::Same,
                    StrandArgument::Opposite => StrandRule::Opposite,
                },
            },
            missing: match self.missing {
                MissingArgument::Zero => Missing::Zero,
                MissingArgument::Skip => Missing::Skip,
            },
            scale: match self.scale {
                ScaleArgument::None => Scale::None,
                ScaleArgument::Cpm => Scale::Cpm,
            },
            reference: self.reference.clone(),
            signal_unit: self.signal_unit.clone(),
            expression_unit: self.expression_unit.clone(),
            genome: self.genome.clone(),
            meter,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Orient {
    /// Upstream first, for genes on either strand
    Strand,
    /// Along the genome, whatever the strand
    Genome,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum EdgesArgument {
    /// Keep the gene; its bins outside the chromosome are zero
    Pad,
    /// Leave the gene out
    Drop,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum GenesFormat {
    /// GTF, as GENCODE's and Ensembl's
    Gtf,
    /// GFF3
    Gff3,
    /// A BED row per gene: chromosome, start, end, id, score, strand
    Bed,
    /// A BED row per window, named ID or ENSID_SYMBOL, as published with DeepDiff
    Windows,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Tss {
    /// The annotated start of the gene
    Gene,
    /// The start of its canonical, or else its most upstream, transcript
    Transcript,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Count {
    /// All of it: it counts in every bin that it overlaps, introns included
    Overlap,
    /// Its 5' end
    FivePrime,
    /// Its middle, after --extend that of the fragment
    Midpoint,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum StrandArgument {
    /// Either
    Both,
    /// The gene's
    Same,
    /// Not the gene's
    Opposite,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Paired {
    /// Every read by itself
    Reads,
    /// Every proper pair once, from its first to its last base; other paired reads not at all
    Fragment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Keep {
    Keep,
    Drop,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ScaleArgument {
    /// Nothing
    None,
    /// Millions of reads that pass the filters
    Cpm,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum MissingArgument {
    /// Are zero: the mean is over the whole bin
    Zero,
    /// Are left out: the mean is over the bases with data, 0 where there are none
    Skip,
}
