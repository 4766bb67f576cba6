//! Everything a study will run, checked before the first run starts.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{
    config::{MethodEntry, PairEntry, StudyConfig, combinations},
    files::check_files,
};
use crate::{
    dataset::{Normalization, SplitConfig, Task},
    error::{Error, Result},
    method::{Method, Preset, Settings},
    run::{DataFiles, LabelTable, TrainingPlan},
};

/// A study, checked.
#[derive(Debug, Clone)]
pub struct StudyPlan {
    /// The pairs.
    pub pairs: Vec<StudyPair>,
    /// The methods, under the names they have in the study.
    pub methods: Vec<StudyMethod>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The indices of the methods that performance is told relative to.
    pub baselines: Vec<usize>,
    /// What the user should know, though it keeps nothing from running.
    pub warnings: Vec<String>,
    /// The checksum of every file that runs read.
    pub(super) checksums: HashMap<PathBuf, String>,
}

/// A pair of a study.
#[derive(Debug, Clone)]
pub struct StudyPair {
    /// The names of A and B.
    pub cell_types: [String; 2],
    pub(super) files: [PathBuf; 2],
    pub(super) labels: Option<LabelTable>,
}

impl StudyPair {
    /// `A/B`.
    pub fn name(&self) -> String {
        self.cell_types.join("/")
    }
}

/// A method of a study.
#[derive(Debug, Clone)]
pub struct StudyMethod {
    /// Its name in the study.
    pub name: String,
    /// The method.
    pub method: Method,
    /// Its preset.
    pub preset: Preset,
    /// What is tried; validation genes choose one per pair.
    pub candidates: Vec<Candidate>,
}

/// Settings that are tried.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What is tuned, as in `training.learning_rate=0.001`; empty where nothing is.
    pub words: String,
    /// All settings.
    pub settings: Settings,
}

/// A run of a study, by indices into its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    /// The pair.
    pub pair: usize,
    /// The method.
    pub method: usize,
    /// The candidate.
    pub candidate: usize,
    /// The seed.
    pub seed: usize,
}

impl StudyPlan {
    /// Resolves a study and checks all of it: files, methods, settings, pairs.
    ///
    /// # Errors
    /// [`Error::Many`] listing everything that is wrong.
    pub fn new(config: &StudyConfig) -> Result<Self> {
        let mut problems = Vec::new();
        let methods = methods(config, &mut problems);
        let baselines = baselines(config, &methods, &mut problems);
        let pairs = pairs(config, &mut problems);
        if config.seeds.is_empty() {
            problems.push("seeds: there is none".into());
        }
        let unique: BTreeSet<u64> = config.seeds.iter().copied().collect();
        if unique.len() < config.seeds.len() {
            problems.push("seeds: one stands twice".into());
        }
        if let Some(seed) = unique.last().filter(|&&seed| seed > i64::MAX as u64) {
            problems.push(format!("seeds: {seed} is too large"));
        }
        let files = check_files(config, &pairs, &methods, &mut problems);
        if problems.is_empty() {
            return Ok(StudyPlan {
                pairs,
                methods,
                seeds: config.seeds.clone(),
                baselines,
                warnings: files.warnings,
                checksums: files.checksums,
            });
        }
        Err(Error::Many {
            what: "nothing was run, since the study cannot be run as it is".into(),
            problems,
        })
    }

    /// Every run, pair by pair.
    pub fn jobs(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for pair in 0..self.pairs.len() {
            for (method, of_method) in self.methods.iter().enumerate() {
                for candidate in 0..of_method.candidates.len() {
                    for seed in 0..self.seeds.len() {
                        jobs.push(Job {
                            pair,
                            method,
                            candidate,
                            seed,
                        });
                    }
                }
            }
        }
        jobs
    }

    /// The run folder of a job within the study's folder.
    pub fn folder(&self, study: &Path, job: Job) -> PathBuf {
        let pair = &self.pairs[job.pair];
        let method = &self.methods[job.method];
        let mut folder = study.join("runs");
        folder.push(pair.cell_types.join(BETWEEN_CELL_TYPES));
        folder.push(&method.name);
        if method.candidates.len() > 1 {
            folder.push(format!("candidate-{}", job.candidate + 1));
        }
        folder.push(format!("seed-{}", self.seeds[job.seed]));
        folder
    }

    /// What a run is asked for.
    pub fn training(&self, study: &Path, job: Job) -> TrainingPlan {
        let pair = &self.pairs[job.pair];
        let method = &self.methods[job.method];
        let [a, b] = pair.files.clone();
        TrainingPlan {
            data: DataFiles::Pair {
                a,
                b,
                labels: pair.labels.clone(),
            },
            method: method.method,
            preset: method.preset,
            settings: method.candidates[job.candidate].settings.clone(),
            seed: self.seeds[job.seed],
            initial_weights: None,
            output: self.folder(study, job),
            force: true,
        }
    }
}

fn methods(config: &StudyConfig, problems: &mut Vec<String>) -> Vec<StudyMethod> {
    let mut methods: Vec<StudyMethod> = Vec::new();
    for entry in &config.methods {
        let (name, method, preset, set) = match entry {
            MethodEntry::Name(name) => (name, name, None, &Table::new()),
            MethodEntry::Changed(entry) => (
                &entry.name,
                &entry.method,
                entry.preset.as_ref(),
                &entry.set,
            ),
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
        let preset: Preset = match preset.unwrap_or(&config.preset).parse() {
            Ok(preset) => preset,
            Err(problem) => {
                wrong(problem);
                continue;
            }
        };
        match candidates(config, name, method, preset, set) {
            Ok(candidates) => methods.push(StudyMethod {
                name: name.clone(),
                method,
                preset,
                candidates,
            }),
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
    name: &str,
    method: Method,
    preset: Preset,
    set: &Table,
) -> std::result::Result<Vec<Candidate>, String> {
    let common = common_settings(config, &Settings::of(method, preset));
    let empty = Table::new();
    let lists = config.tune.get(name).unwrap_or(&empty);
    let combinations = combinations(lists)
        .map_err(|setting| format!("tune.{name}.{setting} is no list of values"))?;
    combinations
        .into_iter()
        .map(|(words, tuned)| {
            let settings = Settings::of(method, preset)
                .with_table(method, &common)
                .and_then(|settings| settings.with_table(method, set))
                .and_then(|settings| settings.with_table(method, &tuned))
                .map_err(|error| error.to_string())?;
            settings.check_for(method).map_err(|e| e.to_string())?;
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
            let common = common_settings(config, &Settings::of(method.method, method.preset));
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

fn baselines(
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

fn pairs(config: &StudyConfig, problems: &mut Vec<String>) -> Vec<StudyPair> {
    if config.pairs.is_empty() {
        problems.push("pairs: there is none".into());
    }
    let mut pairs: Vec<StudyPair> = Vec::new();
    for entry in &config.pairs {
        let (a, b, labels) = match entry {
            PairEntry::Names([a, b]) => (a, b, None),
            PairEntry::Labelled(pair) => {
                let table = LabelTable {
                    path: pair.labels.clone(),
                    column: pair.label_column.clone(),
                };
                (&pair.a, &pair.b, Some(table))
            }
        };
        let mut wrong = |problem: String| problems.push(format!("pair {a}, {b}: {problem}"));
        let unknown: Vec<&String> = [a, b]
            .into_iter()
            .filter(|name| !config.cell_types.contains_key(*name))
            .collect();
        if let Some(name) = unknown.first() {
            wrong(format!("{name} is not among the cell types"));
            continue;
        }
        let cell_types = [a.clone(), b.clone()];
        if a == b {
            wrong("a cell type beside itself".into());
        } else if let Some(problem) = [a, b].into_iter().find_map(|name| unusable_name(name)) {
            wrong(problem);
        } else if pairs.iter().any(|pair| pair.cell_types == cell_types) {
            wrong("it stands twice".into());
        } else {
            let files = [a, b].map(|name| config.cell_types[name].clone());
            pairs.push(StudyPair {
                cell_types,
                files,
                labels,
            });
        }
    }
    pairs
}

/// An error with its causes.
pub(super) fn in_full(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", in_full(source)),
        None => error.to_string(),
    }
}

/// Between the names of A and B in a folder's name.
const BETWEEN_CELL_TYPES: &str = "_vs_";

/// Names become folders.
fn unusable_name(name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    // Nothing that could be taken for what stands between two names.
    let usable = !name.is_empty()
        && !name.starts_with('.')
        && !format!("_{name}_").contains(BETWEEN_CELL_TYPES)
        && name.chars().all(plain);
    (!usable).then(|| {
        format!(
            "{name:?} cannot be the name of a folder: use letters, digits, '.', '_', '+', '-', \
             and no _vs_"
        )
    })
}

impl MethodEntry {
    fn name(&self) -> &str {
        match self {
            MethodEntry::Name(name) => name,
            MethodEntry::Changed(entry) => &entry.name,
        }
    }
}
