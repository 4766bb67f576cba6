//! Cell types with a known truth, for demonstrations, tests and for judging what a
//! method finds.
//!
//! The cell types are the nodes of a lineage tree: each but the first descends from
//! another. Every gene has in each cell type a regulatory state, that of the cell type
//! it descends from, or with some probability a new one. The state shapes the mean
//! profile of five histone marks around the oriented TSS; reads are drawn from a
//! negative binomial around it, and expression is drawn around the state's mean.
//! A gene's strength (how active an active gene is) moves its marks and its
//! expression together, so that there is signal beyond the state itself.

mod reads;
mod truth_file;
mod truth_read;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Normal, Poisson};

use super::{
    epigenome::{Epigenome, GeneRecord, Metadata, Orientation, window},
    split::random_splits,
};
use crate::{
    error::{Error, Result},
    genome::Strand,
    provenance::Provenance,
    random::{Purpose, generator},
};

pub use truth_read::read_truth;

/// What a simulation makes.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulationConfig {
    /// Number of genes.
    pub genes: usize,
    /// Number of bins per mark, the TSS in the middle.
    pub bins: usize,
    /// Width of a bin, bp.
    pub bin_size: u32,
    /// Genes whose state is drawn anew from one cell type to the one that descends from
    /// it, a share of all.
    pub switching: f64,
    /// Validation genes, a share of all.
    pub valid: f64,
    /// Test genes, a share of all.
    pub test: f64,
    /// Names of the cell types, two or more. The first is the root of the tree; from
    /// each the next two that have no place yet descend.
    pub cell_types: Vec<String>,
    /// The seed.
    pub seed: u64,
}

impl Default for SimulationConfig {
    fn default() -> Self {
        SimulationConfig {
            genes: 2000,
            bins: 200,
            bin_size: 100,
            switching: 0.35,
            valid: 0.2,
            test: 0.2,
            cell_types: vec!["A".into(), "B".into()],
            seed: 1,
        }
    }
}

/// The regulatory state of a gene in a cell type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    Bivalent,
    Polycomb,
    Heterochromatin,
    Weak,
}

/// State, share among all genes, mean of log2(expression + 1).
const STATES: [(State, f64, f64); 5] = [
    (State::Active, 0.40, 9.0),
    (State::Weak, 0.22, 6.0),
    (State::Bivalent, 0.13, 3.5),
    (State::Polycomb, 0.15, 1.5),
    (State::Heterochromatin, 0.10, 1.0),
];

const MARKS: [&str; 5] = ["H3K4me1", "H3K4me3", "H3K9me3", "H3K27me3", "H3K36me3"];
/// Mean reads per bin where a mark is absent.
const BACKGROUND: f64 = 0.6;
/// Log2 expression gained from the weakest to the strongest gene of a state.
const STRENGTH_EFFECT: f64 = 4.0;
/// Spread of log2 expression that no mark explains.
const EXPRESSION_NOISE: f64 = 0.8;
/// Shape of the gamma mixing the Poisson: variance = mean + mean^2 / shape.
const DISPERSION_SHAPE: f64 = 4.0;
/// Genes times bins that a simulation may have: 5 GiB of signal.
const LARGEST: u64 = 1 << 27;
/// A bin carries the signal when the two cell types' expected reads differ by
/// at least this many.
const CARRIES_SIGNAL: f64 = 1.0;

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Bivalent => "bivalent",
            State::Polycomb => "polycomb",
            State::Heterochromatin => "heterochromatin",
            State::Weak => "weak",
        }
    }

    fn draw(generator: &mut ChaCha8Rng) -> Self {
        let mut at = generator.random_range(0.0..1.0);
        for (state, share, _) in STATES {
            if at < share {
                return state;
            }
            at -= share;
        }
        State::Weak
    }

    fn mean_log2_expression(self) -> f64 {
        STATES.iter().find(|s| s.0 == self).map_or(0.0, |s| s.2)
    }

    /// Mean reads that the mark adds to a bin at `position` bp from the TSS
    /// (negative upstream) at full strength.
    fn peak(self, mark: &str, position: f64) -> f64 {
        let bump = |centre: f64, width: f64| (-((position - centre) / width).powi(2) / 2.0).exp();
        // Gene bodies: nothing upstream, rising over the first kilobases.
        let body = 1.0 / (1.0 + (-(position - 2500.0) / 700.0).exp());
        match (self, mark) {
            // Two nucleosomes flank the open promoter; the +1 side is stronger.
            (State::Active, "H3K4me3") => 14.0 * bump(350.0, 450.0) + 9.0 * bump(-450.0, 300.0),
            (State::Active, "H3K4me1") => 4.0 * (bump(1900.0, 700.0) + bump(-1700.0, 700.0)),
            (State::Active, "H3K36me3") => 3.5 * body,
            (State::Weak, "H3K4me3") => 5.0 * bump(300.0, 400.0),
            (State::Weak, "H3K4me1") => 2.5 * (bump(1200.0, 900.0) + bump(-1200.0, 900.0)),
            (State::Weak, "H3K36me3") => 1.2 * body,
            (State::Bivalent, "H3K4me3") => 7.0 * bump(200.0, 500.0),
            (State::Bivalent, "H3K27me3") => 5.0 * bump(0.0, 2200.0),
            (State::Bivalent, "H3K4me1") => 2.0 * bump(0.0, 1500.0),
            (State::Polycomb, "H3K27me3") => 4.0 * bump(500.0, 5500.0),
            (State::Heterochromatin, "H3K9me3") => 4.0 * bump(1000.0, 6500.0),
            _ => 0.0,
        }
    }
}

/// Chromosomes of the simulated genome.
const CHROMS: usize = 22;
/// First base of the first TSS of a chromosome, and from one TSS to the next, bp.
const FIRST_TSS: i64 = 1_000_000;
const TSS_SPACING: i64 = 50_000;

/// A simulation's outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulated {
    /// The cell types.
    pub cells: Vec<Epigenome>,
    /// One per gene.
    truth: Vec<Truth>,
}

/// What a gene is in each cell type.
#[derive(Debug, Clone, PartialEq)]
struct Truth {
    state: Vec<State>,
    strength: Vec<f64>,
}

/// The cell type that another, not the first, descends from.
pub fn parent(cell_type: usize) -> usize {
    (cell_type - 1) / 2
}

/// Simulates cell types. The same configuration gives the same numbers; a
/// gene's signal and expression do not depend on the number of genes.
///
/// # Errors
/// When a size is zero or a share is outside 0 to 1.
pub fn simulate(config: &SimulationConfig) -> Result<Simulated> {
    check(config)?;
    let splits = random_splits(config.genes, split_sizes(config), config.seed);
    let names = config.cell_types.iter();
    let mut cells: Vec<Epigenome> = names.map(|name| empty_epigenome(config, name)).collect();
    let mut truth = Vec::with_capacity(config.genes);
    for (gene, &split) in splits.iter().enumerate() {
        let mut generator = generator(config.seed, Purpose::Simulation, gene as u64);
        let drawn = Truth::draw(config, &mut generator);
        let strand = if generator.random_bool(0.5) {
            Strand::Forward
        } else {
            Strand::Reverse
        };
        for (cell, epigenome) in cells.iter_mut().enumerate() {
            epigenome.genes.push(GeneRecord {
                gene_id: format!("SIMG{:08}", gene + 1),
                gene_name: Some(format!("SIM{}", gene + 1)),
                chrom: Some(format!("chr{}", gene % CHROMS + 1)),
                tss: Some(FIRST_TSS + TSS_SPACING * (gene / CHROMS) as i64),
                strand: Some(strand),
                split: Some(split),
                expression: drawn.expression(cell, &mut generator)?,
            });
            let means = drawn.mean_reads(config.bins, config.bin_size, cell);
            let signal: &mut Vec<f32> = &mut epigenome.signal;
            for mean in means {
                signal.push(reads(mean, &mut generator)?);
            }
        }
        truth.push(drawn);
    }
    Ok(Simulated { cells, truth })
}

fn check(config: &SimulationConfig) -> Result<()> {
    let shares = [
        ("--switching", config.switching),
        ("--valid", config.valid),
        ("--test", config.test),
    ];
    for (name, share) in shares {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::setting(
                name,
                format!("{share} is not a share"),
                "Give a number from 0 to 1",
            ));
        }
    }
    let (valid, test) = split_sizes(config);
    if config.genes > 0 && valid + test >= config.genes {
        return Err(Error::setting(
            "--valid, --test",
            "no gene is left for training",
            "Make them smaller",
        ));
    }
    if config.cell_types.len() < 2 {
        return Err(Error::setting(
            "--cell-types",
            format!("{} is too few", config.cell_types.len()),
            "Give 2 or more",
        ));
    }
    if config.genes == 0 || config.bins == 0 || config.bin_size == 0 {
        return Err(Error::setting(
            "--genes, --bins, --bin-size",
            "a size is zero",
            "Give positive numbers",
        ));
    }
    let numbers = (config.genes as u64)
        .checked_mul(config.bins as u64)
        .and_then(|numbers| numbers.checked_mul(config.cell_types.len().div_ceil(2) as u64));
    if numbers.is_none_or(|n| n > LARGEST) {
        return Err(Error::setting(
            "--genes, --bins, --cell-types",
            format!(
                "{} genes of {} bins in {} cell types do not fit memory",
                config.genes,
                config.bins,
                config.cell_types.len()
            ),
            "Make them smaller",
        ));
    }
    Ok(())
}

/// Numbers of validation and test genes.
fn split_sizes(config: &SimulationConfig) -> (usize, usize) {
    let size = |share: f64| (share * config.genes as f64).round() as usize;
    (size(config.valid), size(config.test))
}

fn empty_epigenome(config: &SimulationConfig, cell_type: &str) -> Epigenome {
    let (upstream, downstream) = window(config.bins, config.bin_size);
    let mut provenance = Provenance::new("simulate");
    provenance.settings.extend(
        [
            ("genes", config.genes.to_string()),
            ("seed", config.seed.to_string()),
            ("switching", config.switching.to_string()),
            ("bins", config.bins.to_string()),
            ("bin_size", config.bin_size.to_string()),
            ("valid", config.valid.to_string()),
            ("test", config.test.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    );
    Epigenome {
        metadata: Metadata {
            cell_type: cell_type.into(),
            bin_size: config.bin_size,
            upstream,
            downstream,
            orientation: Orientation::Strand,
            signal_unit: "reads".into(),
            expression_unit: "reads".into(),
            library_size: None,
            genome: Some("simulated".into()),
            provenance: Some(provenance.to_json()),
        },
        marks: MARKS.map(str::to_owned).to_vec(),
        bins: config.bins,
        genes: Vec::with_capacity(config.genes),
        signal: Vec::with_capacity(config.genes * MARKS.len() * config.bins).into(),
    }
}

impl Truth {
    fn draw(config: &SimulationConfig, generator: &mut ChaCha8Rng) -> Self {
        let mut state = vec![State::draw(generator)];
        for cell in 1..config.cell_types.len() {
            state.push(match generator.random_bool(config.switching) {
                true => State::draw(generator),
                false => state[parent(cell)],
            });
        }
        // The cell types share most of a gene's strength.
        let base: f64 = generator.random_range(0.0..1.0);
        let mut near = |_| (base + generator.random_range(-0.25..0.25_f64)).clamp(0.0, 1.0);
        let strength = config.cell_types.iter().map(&mut near).collect();
        Truth { state, strength }
    }

    /// Expected log2 fold change of the first cell type over the second.
    fn expected_log2_fold_change(&self) -> f64 {
        self.log2_expression(0) - self.log2_expression(1)
    }

    /// Whether the expected reads of the first two cell types differ, `[mark, bin]`.
    fn carries_signal(&self, bins: usize, bin_size: u32) -> Vec<bool> {
        let [a, b] = [0, 1].map(|cell| self.mean_reads(bins, bin_size, cell));
        let both = a.iter().zip(&b);
        both.map(|(a, b)| (a - b).abs() >= CARRIES_SIGNAL).collect()
    }

    /// Expected log2(expression + 1) in a cell type.
    fn log2_expression(&self, cell: usize) -> f64 {
        let mean = self.state[cell].mean_log2_expression();
        mean + STRENGTH_EFFECT * (self.strength[cell] - 0.5) * (mean / 9.0)
    }

    fn expression(&self, cell: usize, generator: &mut ChaCha8Rng) -> Result<f64> {
        let noise = Normal::new(0.0, EXPRESSION_NOISE).map_err(impossible)?;
        let log2 = (self.log2_expression(cell) + noise.sample(generator)).max(0.0);
        Ok((log2.exp2() - 1.0).round())
    }

    /// Expected reads, `[mark, bin]`.
    fn mean_reads(&self, bins: usize, bin_size: u32, cell: usize) -> Vec<f64> {
        let scale = 0.4 + 1.2 * self.strength[cell];
        let centre = bins as f64 / 2.0;
        let mut means = Vec::with_capacity(MARKS.len() * bins);
        for mark in MARKS {
            for bin in 0..bins {
                let position = (bin as f64 + 0.5 - centre) * f64::from(bin_size);
                means.push(BACKGROUND + scale * self.state[cell].peak(mark, position));
            }
        }
        means
    }
}

/// Negative binomial reads: a Poisson whose mean is gamma distributed.
fn reads(mean: f64, generator: &mut ChaCha8Rng) -> Result<f32> {
    let gamma = Gamma::new(DISPERSION_SHAPE, mean / DISPERSION_SHAPE).map_err(impossible)?;
    let rate: f64 = gamma.sample(generator).max(f64::MIN_POSITIVE);
    let reads: f64 = Poisson::new(rate).map_err(impossible)?.sample(generator);
    Ok(reads as f32)
}

/// The distributions' parameters are constants and positive means.
fn impossible(error: impl std::fmt::Display) -> Error {
    Error::data(
        format!("the simulation drew from an impossible distribution: {error}"),
        "This is a defect of epidelta; please report it",
    )
}

impl Simulated {
    /// The names of a gene's states, one per cell type.
    pub fn states(&self, gene: usize) -> Vec<&'static str> {
        let states = self.truth[gene].state.iter();
        states.map(|state| state.name()).collect()
    }

    /// The first two cell types.
    pub fn into_pair(self) -> Option<(Epigenome, Epigenome)> {
        let mut cells = self.cells.into_iter();
        cells.next().zip(cells.next())
    }
}
