//! The methods of a study, each with the settings that are tried.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{
    config::{MethodEntry, StudyConfig, combinations},
    plan::unusable_name,
    trained_on::TrainedOn,
};
use crate::{
    dataset::{Normalization, SplitConfig, Task},
    method::{Method, Preset, Settings},
};

/// A method of a study.
#[derive(Debug, Clone)]
pub struct StudyMethod {
    /// Its name in the study.
    pub name: String,
    /// The method.
    pub method: Method,
    /// Its preset.
    pub preset: Preset,
    /// What its models are trained on.
    pub trained_on: TrainedOn,
    /// What is tried; validation genes choose one per pair, or one for
    /// a model of all pairs.
    pub candidates: Vec<Candidate>,
}

impl StudyMethod {
    /// The settings of its preset, as `epidelta train` has them for as many pairs.
    fn defaults(&self, config: &StudyConfig) -> Settings {
        Settings::of(self.method, self.preset).for_pairs(match self.trained_on {
            TrainedOn::Pair => 1,
            TrainedOn::AllPairs => config.pairs.len(),
            // One to train on, and the one to test on, at least.
            TrainedOn::OtherCellTypes => 2,
        })
    }
}

/// Settings that are tried.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What is tuned, as in `training.learning_rate=0.001`; empty where nothing is.
    pub words: String,
    /// All settings.
    pub settings: Settings,
}

pub(super) fn methods(config: &StudyConfig, problems: &mut Vec<String>) -> Vec<StudyMethod> {
    let mut methods: Vec<StudyMethod> = Vec::new();
    for entry in &config.methods {
        let (name, method) = match entry {
            MethodEntry::Name(name) => (name, name),
            MethodEntry::Changed(entry) => (&entry.name, &entry.method),
        };
        let changed = match entry {
            MethodEntry::Name(_) => None,
            MethodEntry::Changed(entry) => Some(entry),
        };
        let mut wrong = |problem: String| problems.push(format!("method {name}: {problem}"));
        if let Some(problem) = unusable_name(name) {
            wrong(problem);
            continue;
        }
        if methods.iter().any(|other| other.name == *name) {
            wrong("it stands twice; give one of them another name".into());
            continue;
        }
        let method: Method = match method.parse() {
            Ok(method) => method,
            Err(problem) => {
                wrong(problem);
                continue;
            }
        };
        let preset = changed.and_then(|entry| entry.preset.as_ref());
        let preset: Preset = match preset.unwrap_or(&config.preset).parse() {
            Ok(preset) => preset,
            Err(problem) => {
                wrong(problem);
                continue;
            }
        };
        let trained_on = changed.and_then(|entry| entry.trained_on.as_ref());
        let trained_on = match trained_on.map(|text| text.parse()).transpose() {
            Ok(trained_on) => trained_on.unwrap_or_default(),
            Err(problem) => {
                wrong(problem);
                continue;
            }
        };
        let mut method = StudyMethod {
            name: name.clone(),
            method,
            preset,
            trained_on,
            candidates: Vec::new(),
        };
        match candidates(config, &method, changed.map(|entry| &entry.set)) {
            Ok(candidates) => {
                method.candidates = candidates;
                methods.push(method);
            }
            Err(problem) => wrong(problem),
        }
    }
    if config.methods.is_empty() {
        problems.push("methods: there is none".into());
    }
    let named: BTreeSet<&str> = config.methods.iter().map(MethodEntry::name).collect();
    for name in config.tune.keys() {
        if !named.contains(name.as_str()) {
            problems.push(format!("tune.{name}: there is no such method in the study"));
        }
    }
    check_common_settings(config, &methods, problems);
    check_same_task(&methods, problems);
    methods
}

/// Methods that are tested on other genes, or asked for another number, cannot be
/// compared. (The direction of the label does not change Pearson's r.)
fn check_same_task(methods: &[StudyMethod], problems: &mut Vec<String>) {
    let of = |method: &StudyMethod| -> Vec<(SplitConfig, f64, Normalization)> {
        let settings = method
            .candidates
            .iter()
            .map(|candidate| &candidate.settings);
        settings
            .map(|s| (s.split.clone(), s.label.pseudocount, s.label.normalization))
            .collect()
    };
    let Some(first) = methods
        .first()
        .and_then(|first| of(first).into_iter().next())
    else {
        return;
    };
    for method in methods {
        if of(method).iter().any(|task| *task != first) {
            problems.push(format!(
                "method {}: split, label.pseudocount or label.normalization differ from those of \
                 {}; set them for all methods in [settings]",
                method.name, methods[0].name
            ));
        }
    }
}

/// Every combination of a method's settings.
fn candidates(
    config: &StudyConfig,
    method: &StudyMethod,
    set: Option<&Table>,
) -> std::result::Result<Vec<Candidate>, String> {
    let name = &method.name;
    let defaults = method.defaults(config);
    let common = common_settings(config, &defaults);
    let empty = Table::new();
    let lists = config.tune.get(name).unwrap_or(&empty);
    let method = method.method;
    let combinations = combinations(lists).map_err(|problem| format!("tune.{name}{problem}"))?;
    combinations
        .into_iter()
        .map(|(words, tuned)| {
            let settings = defaults
                .clone()
                .with_table(method, &common)
                .and_then(|settings| settings.with_table(method, set.unwrap_or(&empty)))
                .and_then(|settings| settings.with_table(method, &tuned))
                .map_err(|error| error.to_string())?;
            settings.check_for(method).map_err(|e| e.to_string())?;
            let SplitConfig {
                valid_cell_types,
                test_cell_types,
                ..
            } = &settings.split;
            if !(valid_cell_types.is_empty() && test_cell_types.is_empty()) {
                return Err(
                    "a study holds out cell types by trained_on = \"other-cell-types\", \
                            not by the settings of split"
                        .into(),
                );
            }
            if settings.label.task == Task::Classification {
                return Err("a study compares fold changes, not up versus down".into());
            }
            Ok(Candidate { words, settings })
        })
        .collect()
}

/// The study's common settings of sections and names that a method has.
fn common_settings(config: &StudyConfig, of_method: &Settings) -> Table {
    let known = Table::try_from(of_method).unwrap_or_default();
    let mut common = config.settings.clone();
    common.retain(|section, values| match (known.get(section), values) {
        (Some(Value::Table(known)), Value::Table(values)) => {
            values.retain(|name, _| known.contains_key(name));
            true
        }
        (known, _) => known.is_some(),
    });
    common
}

/// A common setting that no method has is a mistake.
fn check_common_settings(
    config: &StudyConfig,
    methods: &[StudyMethod],
    problems: &mut Vec<String>,
) {
    let used: BTreeSet<String> = methods
        .iter()
        .flat_map(|method| {
            let common = common_settings(config, &method.defaults(config));
            names(&common)
        })
        .collect();
    for name in names(&config.settings) {
        if !methods.is_empty() && !used.contains(&name) {
            problems.push(format!("settings.{name}: no method of the study has it"));
        }
    }
}

/// The names of a table's values, two levels deep.
fn names(table: &Table) -> Vec<String> {
    let mut names = Vec::new();
    for (section, values) in table {
        match values {
            Value::Table(values) => {
                names.extend(values.keys().map(|name| format!("{section}.{name}")));
            }
            _ => names.push(section.clone()),
        }
    }
    names
}

/// The paper's baselines, unless others are named.
const BASELINES: [Method; 2] = [Method::TwoLayerSvr, Method::AttentiveChrome];

pub(super) fn baselines(
    config: &StudyConfig,
    methods: &[StudyMethod],
    problems: &mut Vec<String>,
) -> Vec<usize> {
    let position = |name: &str| methods.iter().position(|method| method.name == name);
    let Some(named) = &config.baselines else {
        return BASELINES
            .iter()
            .filter_map(|m| position(m.name()))
            .collect();
    };
    let mut baselines = Vec::new();
    for name in named {
        match position(name) {
            Some(method) if baselines.contains(&method) => {
                problems.push(format!("baselines: {name} stands twice"));
            }
            Some(method) => baselines.push(method),
            None => problems.push(format!("baselines: {name} is not among the methods")),
        }
    }
    baselines
}

impl MethodEntry {
    fn name(&self) -> &str {
        match self {
            MethodEntry::Name(name) => name,
            MethodEntry::Changed(entry) => &entry.name,
        }
    }
}
