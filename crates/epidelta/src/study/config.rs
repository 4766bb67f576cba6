//! `study.toml`: which cell types, pairs and methods a study compares.
//!
//! ```toml
//! seeds = [1, 2]                              # default [1]
//! preset = "tuned"                            # default
//! marks = ["H3K4me1", "H3K4me3"]              # what every cell type has, if that is to be checked
//! baselines = ["two-layer-svr"]               # what performance is told relative to
//! pairs = [["H1", "K562"], { a = "H1", b = "GM12878", labels = "deseq2.tsv" }]
//! methods = ["ridge", "raw-aux-siamese",
//!     { name = "slow", method = "raw", set = { training.learning_rate = 1e-4 } },
//!     # one model of all pairs, and for each pair one that never saw its cell types
//!     { name = "together", method = "epidelta", trained_on = "all-pairs" },
//!     { name = "new", method = "epidelta", trained_on = "other-cell-types" }]
//!
//! [cell_types]                                # epigenome.parquet of each
//! H1 = "cells/H1.parquet"
//!
//! [settings]                                  # for all methods that have them
//! training.epochs = 30
//!
//! [tune.raw]                                  # tried in all combinations, chosen by
//! training.learning_rate = [1e-3, 1e-4]       # validation genes
//! ```

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::{Table, Value};

use crate::{
    dataset::Mark,
    error::{Error, Place, Result},
    method::Preset,
};

/// `study.toml`, as it stands there.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyConfig {
    /// The seeds; the measures of a method are means over them.
    #[serde(default = "one_seed")]
    pub seeds: Vec<u64>,
    /// The preset of methods that name no other.
    #[serde(default = "tuned")]
    pub preset: String,
    /// The methods that performance is told relative to; the paper's where they are
    /// compared and no others are named.
    pub baselines: Option<Vec<String>>,
    /// The marks that every cell type has, these and no others; not checked where none are given.
    pub marks: Option<Vec<Mark>>,
    /// The pairs.
    pub pairs: Vec<PairEntry>,
    /// The methods.
    pub methods: Vec<MethodEntry>,
    /// The file of each cell type.
    pub cell_types: BTreeMap<String, PathBuf>,
    /// Settings of all methods that have them.
    #[serde(default)]
    pub settings: Table,
    /// Per name of a method, lists of values of settings.
    #[serde(default)]
    pub tune: BTreeMap<String, Table>,
}

/// A pair of cell types.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    untagged,
    expecting = "a pair is [\"A\", \"B\"], or { a = \"A\", b = \"B\", labels = \"table.tsv\" } with \
                 perhaps a label_column; one of the list is not"
)]
pub enum PairEntry {
    /// The names of A and B.
    Names([String; 2]),
    /// With a table of labels.
    Labelled(LabelledPair),
}

/// A pair of cell types whose labels come from a table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledPair {
    /// The name of A.
    pub a: String,
    /// The name of B.
    pub b: String,
    /// The differential table.
    pub labels: PathBuf,
    /// Its column with the log2 fold change.
    pub label_column: Option<String>,
}

/// A method of a study.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    untagged,
    expecting = "a method is its name, or { name = \"...\", method = \"...\" } with perhaps preset, \
                 trained_on and set; one of the list is not"
)]
pub enum MethodEntry {
    /// By its name, as it is.
    Name(String),
    /// With settings of its own.
    Changed(ChangedMethod),
}

/// A method with settings of its own.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedMethod {
    /// What it is called in this study.
    pub name: String,
    /// The method.
    pub method: String,
    /// Its preset, if not the study's.
    pub preset: Option<String>,
    /// What its models are trained on, if not the pair that they are tested on: see
    /// [`TrainedOn`](super::TrainedOn).
    pub trained_on: Option<String>,
    /// Its settings.
    #[serde(default)]
    pub set: Table,
}

fn one_seed() -> Vec<u64> {
    vec![1]
}

fn tuned() -> String {
    Preset::Tuned.name().into()
}

impl StudyConfig {
    /// What is wrong with the marks of a cell type, if the study says which there are.
    pub(super) fn unknown_marks(&self, cell_type: &str, marks: &[Mark]) -> Option<String> {
        let of_study = self.marks.as_ref()?;
        let list = |marks: Vec<&Mark>| -> Option<String> {
            let names: Vec<&str> = marks.into_iter().map(String::as_str).collect();
            (!names.is_empty()).then(|| names.join(", "))
        };
        let unknown = marks.iter().filter(|mark| !of_study.contains(mark));
        let unknown = list(unknown.collect()).map(|names| format!("unknown marks {names}"));
        let lacking = of_study.iter().filter(|mark| !marks.contains(mark));
        let lacking = list(lacking.collect()).map(|names| format!("no {names}"));
        let problems: Vec<String> = unknown.into_iter().chain(lacking).collect();
        (!problems.is_empty()).then(|| {
            format!(
                "cell type {cell_type}: {}; the study's marks are {}",
                problems.join(" and "),
                of_study.join(", ")
            )
        })
    }

    /// Every file that the study reads.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let labels = self.pairs.iter().filter_map(|pair| match pair {
            PairEntry::Names(_) => None,
            PairEntry::Labelled(pair) => Some(&pair.labels),
        });
        self.cell_types.values().chain(labels).map(PathBuf::as_path)
    }

    /// Reads the file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// When it cannot be read or is not of this form.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        let mut config: StudyConfig = toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map(|before| before.lines().count().max(1) as u64);
            Error::content(
                path,
                line.map_or(Place::File, Place::Line),
                "the description of a study",
                error.message().trim(),
                "See `epidelta study --help` and examples/remc/study.toml",
            )
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for file in config.cell_types.values_mut() {
            *file = folder.join(&file);
        }
        for pair in &mut config.pairs {
            if let PairEntry::Labelled(pair) = pair {
                pair.labels = folder.join(&pair.labels);
            }
        }
        Ok(config)
    }
}

/// More than anyone will wait for.
const MOST_COMBINATIONS: usize = 10_000;

/// All combinations of the lists of values in a table, each as a table of single
/// values with the words for it; one empty combination of an empty table.
///
/// # Errors
/// What is wrong, after the name of the tables: a setting has no list or an empty one, or there
/// are too many combinations.
pub(super) fn combinations(lists: &Table) -> std::result::Result<Vec<(String, Table)>, String> {
    let mut settings = Vec::new();
    flatten(lists, "", &mut settings).map_err(|name| format!(".{name} is no list of values"))?;
    let counts = settings.iter().map(|(_, values)| values.len());
    let count = counts.fold(1, usize::saturating_mul);
    if count > MOST_COMBINATIONS {
        return Err(format!(
            ": its lists have {count} combinations, give {MOST_COMBINATIONS} at most"
        ));
    }
    let mut all = vec![(String::new(), Table::new())];
    for (name, values) in settings {
        let mut with_each = Vec::new();
        for (words, table) in &all {
            for value in &values {
                let mut table = table.clone();
                insert(&mut table, &name, value.clone());
                let separator = if words.is_empty() { "" } else { " " };
                with_each.push((format!("{words}{separator}{name}={value}"), table));
            }
        }
        all = with_each;
    }
    Ok(all)
}

fn flatten(
    table: &Table,
    prefix: &str,
    settings: &mut Vec<(String, Vec<Value>)>,
) -> std::result::Result<(), String> {
    for (name, value) in table {
        let path = format!("{prefix}{name}");
        match value {
            Value::Table(inner) => flatten(inner, &format!("{path}."), settings)?,
            Value::Array(values) if !values.is_empty() => settings.push((path, values.clone())),
            _ => return Err(path),
        }
    }
    Ok(())
}

/// Sets a value under a dotted name.
fn insert(table: &mut Table, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            table.insert(name.into(), value);
        }
        Some((section, rest)) => {
            let inner = table
                .entry(section)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_all_of_them() {
        let lists: Table = "training.learning_rate = [1e-3, 1e-4]\nmodel.dropout = [0.0, 0.5]"
            .parse()
            .unwrap();
        let all = combinations(&lists).unwrap();
        assert_eq!(all.len(), 4);
        let last = &all[3];
        assert!(
            last.0.contains("training.learning_rate=0.0001"),
            "{}",
            last.0
        );
        assert_eq!(last.1["model"]["dropout"].as_float(), Some(0.5));
        assert_eq!(combinations(&Table::new()).unwrap().len(), 1);
        let no_list: Table = "training.epochs = 3".parse().unwrap();
        let message = combinations(&no_list).unwrap_err();
        assert_eq!(message, ".training.epochs is no list of values");
    }

    #[test]
    fn more_combinations_than_can_be_are_not_made() {
        let lists = (0..40).map(|i| format!("a{i} = [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"));
        let lists: Table = lists.collect::<String>().parse().unwrap();
        let message = combinations(&lists).unwrap_err();
        assert!(message.contains("give 10000 at most"), "{message}");
    }
}
