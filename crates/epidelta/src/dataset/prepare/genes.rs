//! The genes whose windows are filled, read once for all cell types.

use std::{collections::BTreeSet, path::PathBuf};

use crate::{
    annotation::{AnnotationFormat, TssRule, read_genes, read_regions},
    bins::{Bins, Edges, Windows},
    dataset::epigenome::Orientation,
    error::{Error, Place, Result},
    genome::{ChromSizes, read_chrom_sizes, same_chrom},
    provenance::Source,
};

/// Where genes come from and how their windows lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenesConfig {
    /// The annotation.
    pub path: PathBuf,
    /// Its format; by name and content where not given.
    pub format: Option<AnnotationFormat>,
    /// Types of genes to take; all when empty.
    pub types: Vec<String>,
    /// Which of a gene's starts is its TSS.
    pub tss: TssRule,
    /// How windows are cut.
    pub bins: Bins,
    /// What happens at a chromosome's ends.
    pub edges: Edges,
    /// Table of chromosome sizes; the headers of BAM, CRAM, SAM and bigWig tell
    /// them too.
    pub chrom_sizes: Option<PathBuf>,
}

impl GenesConfig {
    /// All genes of an annotation, windows and everything else by default.
    pub fn of(path: PathBuf) -> Self {
        GenesConfig {
            path,
            format: None,
            types: Vec::new(),
            tss: TssRule::default(),
            bins: Bins::default(),
            edges: Edges::default(),
            chrom_sizes: None,
        }
    }
}

/// The windows of all genes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genes {
    /// The windows.
    pub windows: Windows,
    /// Ids that stood twice at the same place, kept once.
    pub repeated: Vec<String>,
    /// Ids of which the annotation cannot tell where they are, left out.
    pub at_several_places: Vec<String>,
    pub(super) path: PathBuf,
    pub(super) format: AnnotationFormat,
    pub(super) types: Vec<String>,
    pub(super) tss: TssRule,
    pub(super) edges: Edges,
    pub(super) sources: Vec<Source>,
    sizes: Option<ChromSizes>,
}

impl Genes {
    /// Reads the annotation.
    ///
    /// # Errors
    /// When a file cannot be read or breaks its format, when windows are no whole
    /// number of bins, or when no gene is of the types asked for.
    pub fn read(config: &GenesConfig) -> Result<Self> {
        config.bins.check()?;
        let path = &config.path;
        let width = config.bins.width() as u64;
        let format = match config.format {
            Some(format) => format,
            None => AnnotationFormat::detect(path, Some(width))?,
        };
        if config.tss != TssRule::Gene
            && !matches!(format, AnnotationFormat::Gtf | AnnotationFormat::Gff3)
        {
            return Err(Error::setting(
                "--tss transcript",
                "BED does not tell the transcripts of genes",
                "Leave it out, or give GTF or GFF3",
            ));
        }
        let is_table = matches!(format, AnnotationFormat::Bed | AnnotationFormat::Windows);
        if is_table && !config.types.is_empty() {
            return Err(Error::setting(
                "--gene-type",
                "BED does not tell the types of genes",
                "Leave it out, or give GTF or GFF3",
            ));
        }
        let mut at_several_places = Vec::new();
        let (windows, repeated, source) = match format {
            AnnotationFormat::Windows => {
                let (regions, source) = read_regions(path)?;
                let (windows, repeated) = Windows::of_regions(path, regions, config.bins)?;
                (windows, repeated, source)
            }
            _ => {
                let mut annotation = read_genes(path, format, config.tss)?;
                annotation.retain_types(path, &config.types)?;
                at_several_places = annotation.at_several_places;
                let windows = Windows::around(annotation.genes, config.bins);
                (windows, annotation.repeated, annotation.source)
            }
        };
        if windows.list.is_empty() {
            return Err(Error::content(
                path,
                Place::File,
                "genes",
                "none",
                "Give an annotation with genes",
            ));
        }
        let mut sources = vec![source];
        let sizes = config.chrom_sizes.as_deref().map(read_chrom_sizes);
        let sizes = sizes.transpose()?.map(|(sizes, source)| {
            sources.push(source);
            sizes
        });
        Ok(Genes {
            windows,
            repeated,
            at_several_places,
            path: path.clone(),
            format,
            types: config.types.clone(),
            tss: config.tss,
            edges: config.edges,
            sources,
            sizes,
        })
    }

    /// How many bins each gene has.
    pub fn bins(&self) -> usize {
        self.windows.bins.count()
    }

    /// How many genes there are.
    pub fn count(&self) -> usize {
        self.windows.list.len()
    }

    /// What happens at a chromosome's ends.
    pub fn edges(&self) -> Edges {
        self.edges
    }

    /// The format that the annotation was read as.
    pub fn format(&self) -> AnnotationFormat {
        self.format
    }

    /// Refuses bins along the genome of windows that reach further to one side of
    /// the TSS: their TSS would lie elsewhere on either strand.
    pub(super) fn check_orientation(&self, orientation: Orientation) -> Result<()> {
        let Bins {
            upstream,
            downstream,
            ..
        } = self.windows.bins;
        let around_genes = self.format != AnnotationFormat::Windows;
        if orientation == Orientation::Genome && around_genes && upstream != downstream {
            return Err(Error::setting(
                "--orient genome",
                format!("{upstream} bp upstream and {downstream} bp downstream are not the same"),
                "Make them the same, or use --orient strand",
            ));
        }
        Ok(())
    }

    /// # Errors
    /// When a gene has no strand.
    pub(super) fn check_strands(&self) -> Result<()> {
        match self.windows.without_strand() {
            None => Ok(()),
            Some(window) => Err(Error::content(
                &self.path,
                Place::Gene(window.gene_id.clone()),
                "a strand (column 6), which --orient strand and --strand need",
                "none",
                "Give windows with strand, a GTF, or --orient genome",
            )),
        }
    }

    /// The chromosome sizes that were given, by the annotation's names.
    pub(super) fn given_sizes(&self) -> ChromSizes {
        let Some(given) = &self.sizes else {
            return ChromSizes::new();
        };
        let chroms = self.windows.list.iter().map(|window| window.chrom.as_str());
        let chroms: BTreeSet<&str> = chroms.collect();
        let size = |chrom: &str| {
            let name = same_chrom(chrom, given.keys().map(String::as_str))?;
            Some((chrom.to_owned(), given[name]))
        };
        chroms.into_iter().filter_map(size).collect()
    }

    /// The sizes of chromosomes, by the annotation's names: those that were given,
    /// and those that files told.
    ///
    /// # Errors
    /// When the two contradict each other.
    pub(super) fn sizes(&self, mut told: ChromSizes) -> Result<ChromSizes> {
        for (chrom, size) in self.given_sizes() {
            let told = told.insert(chrom.clone(), size);
            if let Some(other) = told.filter(|&other| other != size) {
                return Err(Error::data(
                    format!(
                        "{chrom} is {size} bp long by --chrom-sizes and {other} bp by the reads"
                    ),
                    "Give the sizes of the genome assembly that the reads were aligned to",
                ));
            }
        }
        Ok(told)
    }
}
