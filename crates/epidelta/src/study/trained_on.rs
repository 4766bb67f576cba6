//! What a model of a study is trained on: the pair that it is tested on, or many.

use std::{path::PathBuf, str::FromStr};

use serde::Serialize;

use super::StudyPair;
use crate::dataset::PairList;

/// The pairs whose genes train a method's models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainedOn {
    /// A model for each pair, trained on it.
    #[default]
    Pair,
    /// One model, trained on all pairs of the study.
    AllPairs,
    /// A model for each pair, trained on the pairs with neither of its cell types: how good
    /// it is on cell types that it never saw.
    OtherCellTypes,
}

impl TrainedOn {
    const ALL: [TrainedOn; 3] = [
        TrainedOn::Pair,
        TrainedOn::AllPairs,
        TrainedOn::OtherCellTypes,
    ];

    /// The name in `study.toml`.
    pub fn name(self) -> &'static str {
        match self {
            TrainedOn::Pair => "pair",
            TrainedOn::AllPairs => "all-pairs",
            TrainedOn::OtherCellTypes => "other-cell-types",
        }
    }

    /// The pairs that a model for one of a study's pairs reads, by index: those that train it,
    /// and that one. None where it is trained on that one alone.
    pub(super) fn pairs(self, pairs: &[StudyPair], of: usize) -> Option<Vec<usize>> {
        let shares = |pair: &StudyPair| {
            let mut names = pair.cell_types.iter();
            names.any(|name| pairs[of].cell_types.contains(name))
        };
        match self {
            TrainedOn::Pair => None,
            TrainedOn::AllPairs => Some((0..pairs.len()).collect()),
            TrainedOn::OtherCellTypes => Some(
                (0..pairs.len())
                    .filter(|&pair| pair == of || !shares(&pairs[pair]))
                    .collect(),
            ),
        }
    }

    /// The cell types that a model for a pair must not see in training.
    pub(super) fn held_out(self, pair: &StudyPair) -> Vec<String> {
        match self {
            TrainedOn::Pair | TrainedOn::AllPairs => Vec::new(),
            TrainedOn::OtherCellTypes => pair.cell_types.to_vec(),
        }
    }
}

impl FromStr for TrainedOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        TrainedOn::ALL
            .into_iter()
            .find(|trained_on| trained_on.name() == text)
            .ok_or_else(|| {
                format!(
                    "{text:?} is nothing that a method is trained on (pair, all-pairs or \
                     other-cell-types)"
                )
            })
    }
}

/// Some of a study's pairs as a list, every file once.
pub(super) fn pair_list(pairs: &[StudyPair], wanted: &[usize]) -> PairList {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut place = |file: &PathBuf| {
        files
            .iter()
            .position(|of_list| of_list == file)
            .unwrap_or_else(|| {
                files.push(file.clone());
                files.len() - 1
            })
    };
    let pairs = wanted
        .iter()
        .map(|&pair| pairs[pair].files.each_ref().map(&mut place))
        .collect();
    PairList {
        table: None,
        files,
        pairs,
    }
}
