//! Models of many pairs, checked as their runs will go.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    StudyMethod, StudyPair,
    methods::Candidate,
    trained_on::{TrainedOn, pair_list},
};
use crate::{
    dataset::{Epigenome, Pair},
    error::Result,
    method::Settings,
    run::{Joined, check_marks, join_cells},
};

/// The cell types of a study without their signal, by file.
type Cells<'c> = BTreeMap<&'c Path, &'c Epigenome>;

/// Checks that a method can be trained on many pairs, if it is to be.
///
/// Returns what the user should know though it keeps nothing from running.
///
/// # Errors
/// What keeps it from being trained, in words.
pub(super) fn check_lists(
    method: &StudyMethod,
    pairs: &[StudyPair],
    cells: &Cells<'_>,
) -> std::result::Result<BTreeSet<String>, String> {
    let mut warnings = BTreeSet::new();
    let models = match method.trained_on {
        TrainedOn::Pair => 0..0,
        TrainedOn::AllPairs => 0..1,
        TrainedOn::OtherCellTypes => 0..pairs.len(),
    };
    let lists = models.filter_map(|of| Some((of, method.trained_on.pairs(pairs, of)?)));
    let lists: Vec<(usize, Vec<usize>)> = lists.collect();
    let (Some(Candidate { settings, .. }), false) = (method.candidates.first(), lists.is_empty())
    else {
        return Ok(warnings);
    };
    if settings.method.is_per_cell() {
        return Err(format!(
            "{} is a network for A and one for B, of one pair, and cannot be trained on many",
            method.method
        ));
    }
    if let Some(pair) = pairs.iter().find(|pair| pair.labels.is_some()) {
        return Err(format!(
            "the labels of {} come from a table, and it cannot be trained on many pairs then",
            pair.name()
        ));
    }
    for pair in pairs {
        for (name, path) in pair.cell_types.iter().zip(&pair.files) {
            let of_file = cells.get(path.as_path());
            let of_file = of_file.map_or(name, |cell| &cell.metadata.cell_type);
            if of_file != name {
                return Err(format!(
                    "models of many pairs know cell types by their names in the files, and {name} \
                     is {of_file} in {}: call it so in the study",
                    path.display()
                ));
            }
        }
    }
    for (of, wanted) in lists {
        let in_words = |problem: String| match method.trained_on {
            TrainedOn::OtherCellTypes => format!("without {}: {problem}", pairs[of].name()),
            TrainedOn::Pair | TrainedOn::AllPairs => problem,
        };
        let of_list = check_list(method, settings, pairs, (of, wanted), cells);
        warnings.extend(of_list.map_err(in_words)?);
    }
    Ok(warnings)
}

/// Checks that a model for one of the pairs can be trained on its list of pairs, and be
/// compared with models of that pair alone.
fn check_list(
    method: &StudyMethod,
    settings: &Settings,
    pairs: &[StudyPair],
    (of, wanted): (usize, Vec<usize>),
    cells: &Cells<'_>,
) -> std::result::Result<Vec<String>, String> {
    let trained_on = method.trained_on;
    let list = pair_list(pairs, &wanted);
    let mut of_list = settings.clone();
    let held_out = trained_on.held_out(&pairs[of]);
    of_list.split.test_cell_types.extend(held_out);
    let listed = divided(&list.files, &list.pairs, &of_list, cells).and_then(|joined| {
        check_marks(method.method, &of_list, &joined.join)?;
        Ok(joined)
    });
    let Joined {
        pair: listed, join, ..
    } = listed.map_err(|error| error.in_full())?;
    let tested = match trained_on {
        TrainedOn::AllPairs => wanted,
        TrainedOn::Pair | TrainedOn::OtherCellTypes => vec![of],
    };
    for of in tested {
        let alone = divided(&pairs[of].files, &[[0, 1]], settings, cells);
        let alone = alone.map_err(|error| error.in_full())?.pair;
        if let Some(gene) = other_split(&listed, &alone) {
            return Err(format!(
                "it would be tested on other genes of {} than models of that pair alone: gene \
                 {gene} is drawn for another split, since the pairs do not have the same genes; \
                 set split.method = \"chromosome\" in [settings], or give the files a split",
                pairs[of].name()
            ));
        }
    }
    let lacking = join.lacking.into_iter().map(|(cell_type, mark)| {
        format!("{cell_type} has no {mark}: it is hidden in every pair with it, of models of many")
    });
    Ok(lacking.collect())
}

/// Cell types joined and divided as a run does it, as far as genes, marks and splits go.
fn divided(
    files: &[PathBuf],
    pairs: &[[usize; 2]],
    settings: &Settings,
    cells: &Cells<'_>,
) -> Result<Joined> {
    let cells = files.iter().filter_map(|path| cells.get(path.as_path()));
    let cells = cells.map(|&cell| cell.clone()).collect();
    let joined = join_cells(cells, pairs, settings, None)?;
    let mut pair = joined.pair.of_several();
    settings.split.assign(&mut pair)?;
    Ok(Joined { pair, ..joined })
}

/// A gene of a pair that is in another split where the pair is one of a list.
fn other_split<'p>(listed: &Pair, alone: &'p Pair) -> Option<&'p str> {
    let cell_types = alone.cell_types(0);
    let of_pair = |gene: &usize| listed.cell_types(*gene) == cell_types;
    let mut listed_genes = (0..listed.genes.len()).filter(of_pair);
    let differs = |gene: &usize| {
        let in_list = listed_genes.next().map(|gene| listed.genes[gene].split);
        in_list != Some(alone.genes[*gene].split)
    };
    let gene = (0..alone.genes.len()).find(differs)?;
    Some(alone.gene_id(gene))
}
