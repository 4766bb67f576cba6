//! The files of a study: each is read once before the first run, and what its runs
//! would stumble over is told now.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{
    StudyConfig, StudyMethod, StudyPair, TrainedOn, lists::check_lists, methods::Candidate,
};
use crate::{
    dataset::{Epigenome, InputTransform, Signal, read_epigenome},
    error::Result,
    expression::read_fold_changes,
    method::Settings,
    provenance::sha256,
    run::join_cells,
};

/// What was found in the files.
#[derive(Debug, Default)]
pub(super) struct CheckedFiles {
    pub checksums: HashMap<PathBuf, String>,
    pub warnings: Vec<String>,
    /// Of each pair, where models of many are measured by them; fewer only where there are
    /// problems.
    pub labels: Vec<PairLabels>,
}

/// Log2 fold changes of a pair, A over B, by gene id.
pub(super) type PairLabels = HashMap<String, f64>;

/// A cell type without its signal, which runs read again.
struct Stripped {
    sha256: String,
    epigenome: Epigenome,
    has_negative_signal: bool,
}

/// Reads every file, and tells which cannot be used or do not fit together.
pub(super) fn check_files(
    config: &StudyConfig,
    pairs: &[StudyPair],
    methods: &[StudyMethod],
    problems: &mut Vec<String>,
) -> CheckedFiles {
    let mut checked = CheckedFiles::default();
    let mut cells: BTreeMap<&Path, Stripped> = BTreeMap::new();
    let files: Vec<(&String, &PathBuf)> = config.cell_types.iter().collect();
    let read: Vec<Result<Stripped>> = files.par_iter().map(|(_, path)| strip(path)).collect();
    for ((name, path), read) in files.into_iter().zip(read) {
        match read {
            Ok(cell) => {
                if let Some(problem) = config.unknown_marks(name, &cell.epigenome.marks) {
                    problems.push(problem);
                }
                let of_file = &cell.epigenome.metadata.cell_type;
                if of_file != name {
                    let warning = format!("{name}: {} is of {of_file}", path.display());
                    checked.warnings.push(warning);
                }
                checked.checksums.insert(path.clone(), cell.sha256.clone());
                cells.insert(path, cell);
            }
            Err(error) => problems.push(format!("cell type {name}: {}", error.in_full())),
        }
    }
    check_methods(methods, &cells, problems);
    // The label and the split are the same for all methods but for the label's
    // direction.
    let settings = methods.first().and_then(|method| method.candidates.first());
    let models_of_many = methods
        .iter()
        .any(|method| method.trained_on != TrainedOn::Pair);
    for pair in pairs {
        let mut wrong = |problem: String| problems.push(format!("pair {}: {problem}", pair.name()));
        if let Some(table) = &pair.labels {
            match sha256(&table.path) {
                Ok(sha256) => drop(checked.checksums.insert(table.path.clone(), sha256)),
                Err(error) => {
                    wrong(error.in_full());
                    continue;
                }
            }
        }
        let of_pair = pair.files.each_ref().map(|path| cells.get(path.as_path()));
        if let ([Some(a), Some(b)], Some(Candidate { settings, .. })) = (of_pair, settings) {
            match check_pair(&a.epigenome, &b.epigenome, pair, settings) {
                Ok((warnings, labels)) => {
                    checked.warnings.extend(warnings);
                    if models_of_many {
                        checked.labels.push(labels);
                    }
                }
                Err(error) => wrong(error.in_full()),
            }
        }
    }
    // What is wrong with a pair is wrong with a list of it too.
    if problems.is_empty() {
        let cells = cells.iter().map(|(&path, cell)| (path, &cell.epigenome));
        let cells = cells.collect();
        let mut warnings = BTreeSet::new();
        for method in methods {
            match check_lists(method, pairs, &cells) {
                Ok(of_method) => warnings.extend(of_method),
                Err(problem) => problems.push(format!("method {}: {problem}", method.name)),
            }
        }
        checked.warnings.extend(warnings);
    }
    checked
}

fn strip(path: &Path) -> Result<Stripped> {
    let mut epigenome = read_epigenome(path)?;
    let sha256 = sha256(path)?;
    let has_negative_signal = epigenome.signal.iter().any(|&value| value < 0.0);
    epigenome.signal = Signal::default();
    Ok(Stripped {
        sha256,
        epigenome,
        has_negative_signal,
    })
}

/// What methods ask of data: enough bins, signal that their transform is defined for.
fn check_methods(
    methods: &[StudyMethod],
    cells: &BTreeMap<&Path, Stripped>,
    problems: &mut Vec<String>,
) {
    let bins: BTreeSet<usize> = cells.values().map(|cell| cell.epigenome.bins).collect();
    let negative = cells.iter().find(|(_, cell)| cell.has_negative_signal);
    for method in methods {
        let problem = method.candidates.iter().find_map(|candidate| {
            let settings = &candidate.settings;
            let mut too_small = bins
                .iter()
                .filter_map(|&b| settings.method.check_bins(b).err());
            if let Some(error) = too_small.next() {
                return Some(error.to_string());
            }
            let (path, _) = negative?;
            (settings.input.transform == InputTransform::Log1p).then(|| {
                format!(
                    "the signal of {} is negative in places, which the transform log1p does \
                     not take; set input.transform = \"arcsinh\" in [settings]",
                    path.display()
                )
            })
        });
        if let Some(problem) = problem {
            problems.push(format!("method {}: {problem}", method.name));
        }
    }
}

/// Joins, labels and divides a pair as its runs will.
fn check_pair(
    a: &Epigenome,
    b: &Epigenome,
    of_study: &StudyPair,
    settings: &Settings,
) -> Result<(Vec<String>, PairLabels)> {
    let cells = vec![a.clone(), b.clone()];
    let joined = join_cells(cells, &[[0, 1]], settings, None)?;
    let (mut pair, mut summary) = (joined.pair, joined.join);
    if let Some(table) = &of_study.labels {
        let labels = read_fold_changes(&table.path, table.column.as_deref())?;
        pair.take_labels(&labels, settings.label.direction, &mut summary)?;
    }
    settings.split.assign(&mut pair)?;
    let mut warnings = Vec::new();
    let mut warn = |warning: String| warnings.push(format!("{}: {warning}", of_study.name()));
    let dropped = summary.only_a.len() + summary.only_b.len() + summary.without_label.len();
    if dropped > 0 {
        warn(format!(
            "{dropped} genes are not in both cell types, or have no label, and are dropped"
        ));
    }
    if !summary.left_out.is_empty() {
        let marks = summary.left_out.join(", ");
        warn(format!(
            "marks that only one of the two has are left out: {marks}"
        ));
    }
    if summary.labels_reversed {
        warn("the labels of the table go the other way than the expressions of A and B".into());
    }
    let labels = (0..pair.genes.len()).map(|gene| {
        let label = pair.genes[gene].log2_fold_change;
        let a_over_b = settings.label.direction.log2_fold_change(label, 0.0);
        (pair.gene_id(gene).to_owned(), a_over_b)
    });
    Ok((warnings, labels.collect()))
}
