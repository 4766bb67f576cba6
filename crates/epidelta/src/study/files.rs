//! The files of a study: each is read once before the first run, and what its runs
//! would stumble over is told now.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{
    StudyConfig, StudyMethod, StudyPair,
    methods::Candidate,
    plan::in_full,
    trained_on::{TrainedOn, pair_list},
};
use crate::{
    dataset::{Epigenome, InputTransform, Pair, SplitConfig, read_epigenome},
    error::Result,
    expression::read_fold_changes,
    method::Settings,
    provenance::sha256,
};

/// What was found in the files.
#[derive(Debug, Default)]
pub(super) struct CheckedFiles {
    pub checksums: HashMap<PathBuf, String>,
    pub warnings: Vec<String>,
}

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
                let of_file = &cell.epigenome.metadata.cell_type;
                if of_file != name {
                    let warning = format!("{name}: {} is of {of_file}", path.display());
                    checked.warnings.push(warning);
                }
                checked.checksums.insert(path.clone(), cell.sha256.clone());
                cells.insert(path, cell);
            }
            Err(error) => problems.push(format!("cell type {name}: {}", in_full(&error))),
        }
    }
    check_methods(methods, &cells, problems);
    // The label and the split are the same for all methods but for the label's
    // direction.
    let settings = methods.first().and_then(|method| method.candidates.first());
    for pair in pairs {
        let mut wrong = |problem: String| problems.push(format!("pair {}: {problem}", pair.name()));
        if let Some(table) = &pair.labels {
            match sha256(&table.path) {
                Ok(sha256) => drop(checked.checksums.insert(table.path.clone(), sha256)),
                Err(error) => {
                    wrong(in_full(&error));
                    continue;
                }
            }
        }
        let of_pair = pair.files.each_ref().map(|path| cells.get(path.as_path()));
        if let ([Some(a), Some(b)], Some(Candidate { settings, .. })) = (of_pair, settings) {
            match check_pair(&a.epigenome, &b.epigenome, pair, settings) {
                Ok(warnings) => checked.warnings.extend(warnings),
                Err(error) => wrong(in_full(&error)),
            }
        }
    }
    // What is wrong with a pair is wrong with a list of it too.
    if problems.is_empty() {
        for method in methods {
            if let Some(problem) = check_many_pairs(method, pairs, &cells) {
                problems.push(format!("method {}: {problem}", method.name));
            }
        }
    }
    checked
}

/// What keeps a method from being trained on many pairs, if it is to be.
fn check_many_pairs(
    method: &StudyMethod,
    pairs: &[StudyPair],
    cells: &BTreeMap<&Path, Stripped>,
) -> Option<String> {
    let Candidate { settings, .. } = method.candidates.first()?;
    let tested = match method.trained_on {
        TrainedOn::Pair => return None,
        TrainedOn::AllPairs => 0..1,
        TrainedOn::OtherCellTypes => 0..pairs.len(),
    };
    if settings.method.is_per_cell() {
        return Some(format!(
            "{} is a network for A and one for B, of one pair, and cannot be trained on many",
            method.method
        ));
    }
    if let Some(pair) = pairs.iter().find(|pair| pair.labels.is_some()) {
        return Some(format!(
            "the labels of {} come from a table, and it cannot be trained on many pairs then",
            pair.name()
        ));
    }
    for pair in pairs {
        for (name, path) in pair.cell_types.iter().zip(&pair.files) {
            let of_file = &cells.get(path.as_path())?.epigenome.metadata.cell_type;
            if of_file != name {
                return Some(format!(
                    "models of many pairs know cell types by their names in the files, and {name} \
                     is {of_file} in {}: call it so in the study",
                    path.display()
                ));
            }
        }
    }
    tested.into_iter().find_map(|of| {
        let problem = check_list(method, settings, pairs, of, cells)?;
        Some(match method.trained_on {
            TrainedOn::OtherCellTypes => format!("without {}: {problem}", pairs[of].name()),
            TrainedOn::Pair | TrainedOn::AllPairs => problem,
        })
    })
}

/// What keeps a model for one of the pairs from being trained on its list of pairs, and from
/// being compared with models of that pair alone.
fn check_list(
    method: &StudyMethod,
    settings: &Settings,
    pairs: &[StudyPair],
    of: usize,
    cells: &BTreeMap<&Path, Stripped>,
) -> Option<String> {
    let trained_on = method.trained_on;
    let wanted = trained_on.pairs(pairs, of)?;
    let list = pair_list(pairs, &wanted);
    let epigenomes = |files: &[PathBuf]| -> Option<Vec<Epigenome>> {
        let cells = files.iter().map(|path| cells.get(path.as_path()));
        cells.map(|cell| Some(cell?.epigenome.clone())).collect()
    };
    // As its runs will: joined, and divided into splits.
    let divided = |cells: Vec<Epigenome>, pairs: &[[usize; 2]], split: &SplitConfig| {
        let (pair, _) = Pair::join_all(cells, pairs, None, settings.label, None)?;
        let mut pair = pair.of_several();
        split.assign(&mut pair)?;
        Result::Ok(pair)
    };
    let mut split = settings.split.clone();
    split
        .test_cell_types
        .extend(trained_on.held_out(&pairs[of]));
    let listed = match divided(epigenomes(&list.files)?, &list.pairs, &split) {
        Ok(listed) => listed,
        Err(error) => return Some(in_full(&error)),
    };
    let tested = match trained_on {
        TrainedOn::AllPairs => wanted,
        TrainedOn::Pair | TrainedOn::OtherCellTypes => vec![of],
    };
    tested.into_iter().find_map(|of| {
        let StudyPair {
            cell_types, files, ..
        } = &pairs[of];
        let alone = divided(epigenomes(files)?, &[[0, 1]], &settings.split).ok()?;
        let mut genes = (0..listed.genes.len())
            .filter(|&gene| listed.cell_types(gene) == cell_types.each_ref().map(String::as_str));
        let differs = (0..alone.genes.len()).find(|&gene| {
            let in_list = genes.next().map(|gene| listed.genes[gene].split);
            in_list != Some(alone.genes[gene].split)
        })?;
        Some(format!(
            "it would be tested on other genes of {} than a model of that pair alone: gene {} is \
             drawn for another split, since the pairs do not have the same genes; set \
             split.method = \"chromosome\" in [settings], or give the files a split",
            pairs[of].name(),
            alone.gene_id(differs)
        ))
    })
}

fn strip(path: &Path) -> Result<Stripped> {
    let sha256 = sha256(path)?;
    let mut epigenome = read_epigenome(path)?;
    let has_negative_signal = epigenome.signal.iter().any(|&value| value < 0.0);
    epigenome.signal = Vec::new();
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
) -> Result<Vec<String>> {
    let (mut pair, mut summary) = Pair::join(a.clone(), b.clone(), settings.label)?;
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
    Ok(warnings)
}
