//! Windows: where the bins of each gene lie.

use std::{collections::HashMap, path::Path};

use crate::{
    annotation::{Gene, Region},
    error::{Error, Place, Result},
    genome::{ChromSizes, Strand},
};

/// How a window is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bins {
    /// Width of a bin, bp.
    pub size: u32,
    /// How far the window reaches upstream of the TSS, bp.
    pub upstream: u32,
    /// How far it reaches downstream, the TSS included, bp.
    pub downstream: u32,
}

impl Bins {
    /// Bins of a window.
    pub fn count(&self) -> usize {
        (self.width() / i64::from(self.size)) as usize
    }

    /// Width of a window, bp.
    pub fn width(&self) -> i64 {
        i64::from(self.upstream) + i64::from(self.downstream)
    }

    /// # Errors
    /// When the window is empty, too wide, or not a whole number of bins.
    pub fn check(&self) -> Result<()> {
        let refuse = |problem: String, remedy: &str| {
            Err(Error::setting(
                "--bin-size, --upstream, --downstream",
                problem,
                remedy,
            ))
        };
        let Bins {
            size,
            upstream,
            downstream,
        } = *self;
        let width = self.width();
        if size == 0 || width == 0 {
            return refuse("the window has no bins".into(), "Give positive numbers");
        }
        if width > i64::from(u32::MAX) {
            return refuse(
                format!("a window of {width} bp"),
                "Give a window below 4 Gbp",
            );
        }
        if width % i64::from(size) != 0 {
            return refuse(
                format!("{upstream} + {downstream} bp are no whole number of bins of {size} bp"),
                "Choose a window that is a multiple of the bin size",
            );
        }
        Ok(())
    }
}

impl Default for Bins {
    fn default() -> Self {
        Bins {
            size: 100,
            upstream: 10_000,
            downstream: 10_000,
        }
    }
}

/// What happens to a window that reaches over a chromosome's end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Edges {
    /// It is kept; its bins outside hold zero.
    #[default]
    Pad,
    /// Its gene is left out.
    Drop,
}

impl Edges {
    /// The name used on the command line: `pad`, `drop`.
    pub fn name(self) -> &'static str {
        match self {
            Edges::Pad => "pad",
            Edges::Drop => "drop",
        }
    }
}

/// The window of a gene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The gene's id.
    pub gene_id: String,
    /// The gene symbol, where known.
    pub gene_name: Option<String>,
    /// The chromosome.
    pub chrom: String,
    /// First base of the window, 0-based; negative where it reaches over the
    /// chromosome's start.
    pub start: i64,
    /// The transcription start site, 0-based, where known.
    pub tss: Option<i64>,
    /// The strand, where known.
    pub strand: Option<Strand>,
}

/// Windows of one width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// How each is cut.
    pub bins: Bins,
    /// The windows, in the order of the annotation.
    pub list: Vec<Window>,
}

impl Windows {
    /// Windows around the TSS of genes: `upstream` bp before it in the direction of
    /// transcription, and `downstream` bp from it on. On the forward strand the TSS
    /// is the first base of a bin, on the reverse strand the last one, so that the
    /// two are mirror images.
    pub fn around(genes: Vec<Gene>, bins: Bins) -> Self {
        let window = |gene: Gene| Window {
            start: match gene.strand {
                Strand::Forward => gene.tss - i64::from(bins.upstream),
                Strand::Reverse => gene.tss + 1 - i64::from(bins.downstream),
            },
            gene_id: gene.id,
            gene_name: gene.name,
            chrom: gene.chrom,
            tss: Some(gene.tss),
            strand: Some(gene.strand),
        };
        Windows {
            bins,
            list: genes.into_iter().map(window).collect(),
        }
    }

    /// Windows as the rows of a BED file give them. Names as published with
    /// DeepDiff, `ENSG00000130749_ZC3H4`, are an id and a symbol. The TSS is the
    /// base from which the window reaches downstream; without strand it is unknown.
    /// A row that stands twice is kept once; the second value lists such ids.
    ///
    /// # Errors
    /// When a row is not as wide as its bins, has no name, or has the id of
    /// another row at another place.
    pub fn of_regions(
        path: &Path,
        regions: Vec<(u64, Region)>,
        bins: Bins,
    ) -> Result<(Self, Vec<String>)> {
        let mut windows = Windows {
            bins,
            list: Vec::with_capacity(regions.len()),
        };
        let mut repeated = Vec::new();
        let mut rows: HashMap<String, (usize, u64)> = HashMap::new();
        for (line, region) in regions {
            let bad = |expected: String, found: String, remedy: &str| {
                Err(Error::content(
                    path,
                    Place::Line(line),
                    expected,
                    found,
                    remedy,
                ))
            };
            let width = region.end - region.start;
            if width != bins.width() {
                return bad(
                    format!("a window of {} bp", bins.width()),
                    format!("{width} bp"),
                    "Set --upstream and --downstream so that they add up to the windows' width",
                );
            }
            let Some(name) = region.name else {
                return bad(
                    "a gene id in the fourth column".into(),
                    "none".into(),
                    "Name every window by its gene",
                );
            };
            let (id, symbol) = match name.split_once('_') {
                Some((id, symbol)) if id.starts_with("ENS") => (id, Some(symbol.to_owned())),
                _ => (name.as_str(), None),
            };
            let window = Window {
                gene_id: id.to_owned(),
                gene_name: symbol,
                chrom: region.chrom,
                start: region.start,
                tss: region.strand.map(|strand| match strand {
                    Strand::Forward => region.start + i64::from(bins.upstream),
                    Strand::Reverse => region.start + i64::from(bins.downstream) - 1,
                }),
                strand: region.strand,
            };
            let place = |w: &Window| (w.chrom.clone(), w.start, w.strand);
            match rows.get(id) {
                None => {
                    rows.insert(id.to_owned(), (windows.list.len(), line));
                    windows.list.push(window);
                }
                Some(&(row, _)) if place(&windows.list[row]) == place(&window) => {
                    repeated.push(id.to_owned());
                }
                Some(&(_, first)) => {
                    return bad(
                        "each gene once".into(),
                        format!("gene {id} again, which line {first} has at another place"),
                        "Remove or rename one of the two",
                    );
                }
            }
        }
        Ok((windows, repeated))
    }

    /// The first window without strand, if there is one.
    pub fn without_strand(&self) -> Option<&Window> {
        self.list.iter().find(|window| window.strand.is_none())
    }

    /// Whether a window reaches over an end of its chromosome; where the size is
    /// not known, over its start. Sizes are by the windows' own names.
    fn leaves(&self, window: &Window, sizes: &ChromSizes) -> bool {
        let size = sizes.get(&window.chrom);
        let end = window.start + self.bins.width();
        window.start < 0 || size.is_some_and(|&size| end > size)
    }

    /// Takes out the windows that leave their chromosome, if `edges` says so, and
    /// tells the genes whose windows do.
    pub fn handle_edges(&mut self, edges: Edges, sizes: &ChromSizes) -> Vec<String> {
        let leaving: Vec<bool> = self.list.iter().map(|w| self.leaves(w, sizes)).collect();
        let named = self.list.iter().zip(&leaving);
        let ids = named
            .filter(|(_, leaves)| **leaves)
            .map(|(w, _)| w.gene_id.clone());
        let ids = ids.collect();
        if edges == Edges::Drop {
            let mut leaves = leaving.iter();
            self.list
                .retain(|_| !leaves.next().copied().unwrap_or(false));
        }
        ids
    }
}
