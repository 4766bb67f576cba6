//! Everything a study will run, checked before the first run starts.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use super::{
    RUNS,
    config::{PairEntry, StudyConfig},
    files::{PairLabels, check_files},
    methods::{StudyMethod, baselines, methods},
    trained_on::{TrainedOn, pair_list},
};
use crate::{
    error::{Error, Result},
    interrupt::Interrupt,
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
    /// The labels of each pair, by which models of many pairs are measured, where there are any.
    pub(super) labels: Vec<PairLabels>,
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

/// A run of a study, by indices into its plan. One on all pairs is there for the first pair
/// alone.
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
        let mut plan = Self::of(config, &mut problems);
        let files = check_files(config, &plan.pairs, &plan.methods, &mut problems);
        plan.warnings = files.warnings;
        plan.labels = files.labels;
        plan.checksums = files.checksums;
        plan.if_none(problems)
    }

    /// Resolves a study without a look at its files: enough to make one of its runs.
    ///
    /// # Errors
    /// [`Error::Many`] listing what is wrong with the description.
    pub fn described(config: &StudyConfig) -> Result<Self> {
        let mut problems = Vec::new();
        let plan = Self::of(config, &mut problems);
        plan.if_none(problems)
    }

    /// What the description says; less where there are problems.
    pub(super) fn of(config: &StudyConfig, problems: &mut Vec<String>) -> Self {
        let methods = methods(config, problems);
        let baselines = baselines(config, &methods, problems);
        let pairs = pairs(config, problems);
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
        StudyPlan {
            pairs,
            methods,
            seeds: config.seeds.clone(),
            baselines,
            warnings: Vec::new(),
            labels: Vec::new(),
            checksums: HashMap::new(),
        }
    }

    /// The plan, if there are no problems.
    pub(super) fn if_none(self, problems: Vec<String>) -> Result<Self> {
        match problems.is_empty() {
            true => Ok(self),
            false => Err(Error::Many {
                what: "nothing was run, since the study cannot be run as it is".into(),
                problems,
            }),
        }
    }

    /// The run whose folder within the study's is called so, as in the table of runs.
    pub fn job(&self, run: &Path) -> Option<Job> {
        let mut jobs = self.jobs().into_iter();
        jobs.find(|&job| self.folder(Path::new(""), job) == run)
    }

    /// Every run, pair by pair.
    pub fn jobs(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for pair in 0..self.pairs.len() {
            for (method, of_method) in self.methods.iter().enumerate() {
                if of_method.trained_on == TrainedOn::AllPairs && pair > 0 {
                    continue;
                }
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
        let mut folder = study.join(RUNS);
        folder.push(match method.trained_on {
            TrainedOn::AllPairs => method.trained_on.name().to_owned(),
            _ => pair.cell_types.join(BETWEEN_CELL_TYPES),
        });
        folder.push(&method.name);
        if method.candidates.len() > 1 {
            folder.push(format!("candidate-{}", job.candidate + 1));
        }
        folder.push(format!("seed-{}", self.seeds[job.seed]));
        folder
    }

    /// The pairs that a run reads, by the names of their cell types.
    pub(super) fn pairs_of(&self, job: Job) -> Vec<&[String; 2]> {
        let trained_on = self.methods[job.method].trained_on;
        let pairs = trained_on.pairs(&self.pairs, job.pair);
        let pairs = pairs.unwrap_or_else(|| vec![job.pair]).into_iter();
        pairs.map(|pair| &self.pairs[pair].cell_types).collect()
    }

    /// What a run is asked for.
    pub fn training(&self, study: &Path, job: Job, interrupt: &Interrupt) -> TrainingPlan {
        let pair = &self.pairs[job.pair];
        let method = &self.methods[job.method];
        let [a, b] = pair.files.clone();
        let mut settings = method.candidates[job.candidate].settings.clone();
        let held_out = method.trained_on.held_out(pair);
        settings.split.test_cell_types.extend(held_out);
        let data = match method.trained_on.pairs(&self.pairs, job.pair) {
            None => DataFiles::Pair {
                a,
                b,
                labels: pair.labels.clone(),
            },
            Some(pairs) => DataFiles::Pairs(pair_list(&self.pairs, &pairs)),
        };
        let output = self.folder(study, job);
        TrainingPlan {
            seed: self.seeds[job.seed],
            // What is there of other settings or data is replaced.
            force: true,
            resume: true,
            interrupt: interrupt.clone(),
            ..TrainingPlan::new(data, method.method, method.preset, settings, output)
        }
    }
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

/// Between the names of A and B in a folder's name.
const BETWEEN_CELL_TYPES: &str = "_vs_";

/// Names become folders.
pub(super) fn unusable_name(name: &str) -> Option<String> {
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
