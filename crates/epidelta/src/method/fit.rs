//! Fitting a method to a pair.

use std::{collections::BTreeMap, sync::Mutex, time::Instant};

use serde_json::Value;

use super::{FittedMethod, Method, MethodConfig, Settings, settings::Networks};
use crate::{
    baseline::{self, Problem},
    dataset::{LabelDirection, Pair, PairedGene, Split, Task},
    error::Result,
    model::{Network, NetworkConfig, WeightsFile},
    training::{self, Checkpoints, Fitted, History, Profile, Training, TrainingConfig},
};

/// What a fit tells while it runs.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// A network trains.
    Network {
        /// Which of the method's networks, counted from 0.
        index: usize,
        /// How it goes.
        progress: training::Progress<'a>,
    },
    /// A part of a baseline's fits is done.
    Fits {
        /// How many are done.
        done: usize,
        /// How many there are.
        all: usize,
    },
}

/// How the training of a network went.
#[derive(Debug, Clone)]
pub struct TrainedNetwork {
    /// The best epoch, counted from 1.
    pub best_epoch: usize,
    /// Every epoch.
    pub history: History,
}

impl TrainedNetwork {
    fn of(fitted: Fitted) -> Self {
        TrainedNetwork {
            best_epoch: fitted.best_epoch,
            history: fitted.history,
        }
    }
}

/// The seed of a member of an ensemble: the first one's is the run's, so that it is the
/// network that would be trained alone, and the others' are no neighbours of it, so that
/// ensembles of neighbouring seeds have no member in common.
fn member_seed(seed: u64, member: usize) -> u64 {
    seed.wrapping_add((member as u64) << 40)
}

/// A fit's outcome.
#[derive(Debug)]
pub struct Fit {
    /// What predicts.
    pub model: FittedMethod,
    /// As training left it, where the best epoch was kept.
    pub last: Option<FittedMethod>,
    /// The networks: none, one, or those of A and B.
    pub networks: Vec<TrainedNetwork>,
    /// What was chosen by validation genes or by cross-validation: a cost, a bin.
    pub choices: BTreeMap<String, Value>,
    /// Where the time of the networks' training went.
    pub profile: Option<Profile>,
    /// Wall-clock seconds of the fit.
    pub seconds: f64,
}

impl Fit {
    /// What the networks are told apart by where there are several, and each one's name.
    pub fn network_names(&self) -> Option<(&'static str, Vec<String>)> {
        match &self.model {
            FittedMethod::Cells { .. } => Some(("cell", ["a", "b"].map(str::to_owned).to_vec())),
            _ if self.networks.len() > 1 => {
                let members = 1..=self.networks.len();
                Some(("member", members.map(|member| member.to_string()).collect()))
            }
            _ => None,
        }
    }
}

/// Fits a method to the training genes of a pair, choosing by its validation genes.
/// The pair's signal is transformed where [`Settings::transforms_bins`] says so. Networks go on
/// from their checkpoints, where these are there.
///
/// # Errors
/// When settings or initial weights do not fit the data, a training diverges or is interrupted,
/// or a checkpoint cannot be used.
pub fn fit(
    method: Method,
    pair: &mut Pair,
    settings: &Settings,
    seed: u64,
    initial_weights: Option<WeightsFile>,
    checkpoints: Option<&Checkpoints>,
    report: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Fit> {
    settings.check_for(method)?;
    let started = Instant::now();
    let mut fit = match (settings.method.networks(), settings.method.training()) {
        (Some(networks), Some(config)) => {
            let trainer = Trainer {
                config,
                seed,
                initial_weights,
                checkpoints,
            };
            match networks {
                Networks::Joint(network) => {
                    trainer.joint(pair, &network, settings.label.task, report)?
                }
                Networks::PerCell { networks, task } => {
                    let direction = settings.label.direction;
                    trainer.per_cell(pair, &networks, task, direction, report)?
                }
            }
        }
        _ => without_network(pair, settings, seed, report)?,
    };
    fit.seconds = started.elapsed().as_secs_f64();
    Ok(fit)
}

/// Fits a method that is not made of networks.
fn without_network(
    pair: &Pair,
    settings: &Settings,
    seed: u64,
    report: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Fit> {
    let report = Mutex::new(report);
    let problem = Problem {
        pair,
        transform: settings.input.transform,
        task: settings.label.task,
        seed,
        report: &|done, all| {
            if let Ok(mut report) = report.lock() {
                report(Progress::Fits { done, all });
            }
        },
    };
    let model = match &settings.method {
        MethodConfig::Svr(s) => baseline::fit_best_bin(&problem, &s.svr)?,
        MethodConfig::TwoLayerSvr(s) => baseline::fit_two_layer(&problem, &s.svr)?,
        MethodConfig::ReliefForest(s) => {
            baseline::fit_relieff_forest(&problem, &s.features, &s.relieff, &s.forest)?
        }
        MethodConfig::Ridge(s) => baseline::fit_ridge(&problem, &s.features, &s.linear)?,
        MethodConfig::Lasso(s) => baseline::fit_lasso(&problem, &s.features, &s.linear)?,
        MethodConfig::Logistic(s) => baseline::fit_logistic(&problem, &s.features, &s.linear)?,
        MethodConfig::Boosting(s) => baseline::fit_boosting(&problem, &s.features, &s.boosting)?,
        MethodConfig::DeepDiff(_)
        | MethodConfig::AttentiveChrome(_)
        | MethodConfig::DeepChrome(_)
        | MethodConfig::Epidelta(_) => unreachable!("these are made of networks"),
    };
    Ok(Fit {
        choices: model.choices(),
        model: FittedMethod::Baseline {
            model: Box::new(model),
            transform: settings.input.transform,
        },
        last: None,
        networks: Vec::new(),
        profile: None,
        seconds: 0.0,
    })
}

/// What the trainings of a method's networks have in common.
struct Trainer<'s> {
    config: &'s TrainingConfig,
    seed: u64,
    initial_weights: Option<WeightsFile>,
    checkpoints: Option<&'s Checkpoints>,
}

impl Trainer<'_> {
    /// Trains one of the method's networks, counted from 0.
    fn train(
        &self,
        index: usize,
        pair: &Pair,
        training: Training<'_>,
        weights: Option<WeightsFile>,
        report: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<Fitted> {
        let checkpoint = self.checkpoints.map(|all| all.of_network(index));
        let mut report = |progress: training::Progress<'_>| {
            report(Progress::Network { index, progress });
        };
        training::fit(pair, training, weights, checkpoint.as_ref(), &mut report)
    }

    /// One network that sees both cell types.
    fn joint(
        self,
        pair: &Pair,
        network: &NetworkConfig,
        task: Task,
        report: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<Fit> {
        let train = |member: usize| -> Result<Fitted> {
            let training = Training {
                network,
                config: self.config,
                task,
                seed: member_seed(self.seed, member),
            };
            let weights = self.initial_weights.as_ref();
            let weights = weights.map(|file| file.member(member)).transpose()?;
            self.train(member, pair, training, weights, report)
        };
        let members: Vec<Fitted> = (0..self.config.ensemble)
            .map(train)
            .collect::<Result<_>>()?;
        let of = |network: fn(&Fitted) -> &Network| FittedMethod::Network {
            members: members.iter().map(|of| network(of).clone()).collect(),
            thresholds: members[0].thresholds,
        };
        Ok(Fit {
            model: of(|fitted| &fitted.best),
            last: Some(of(|fitted| &fitted.last)),
            choices: BTreeMap::new(),
            profile: members
                .iter()
                .map(|fitted| fitted.profile)
                .reduce(|x, y| x + y),
            networks: members.into_iter().map(TrainedNetwork::of).collect(),
            seconds: 0.0,
        })
    }

    /// A network for each cell type, trained alone: its label is that cell type's log2
    /// expression, or how far it is above the median.
    fn per_cell(
        self,
        pair: &mut Pair,
        networks: &[NetworkConfig; 2],
        task: Task,
        direction: LabelDirection,
        report: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<Fit> {
        let labels: Vec<f64> = pair.genes.iter().map(|g| g.log2_fold_change).collect();
        let mut train = |index: usize, of: fn(&PairedGene) -> f64| -> Result<Fitted> {
            let threshold = match task {
                Task::Regression => 0.0,
                Task::Classification => training::median(pair, &pair.in_split(Split::Train), of),
            };
            for gene in &mut pair.genes {
                gene.log2_fold_change = of(gene) - threshold;
            }
            let training = Training {
                network: &networks[index],
                config: self.config,
                task,
                seed: self.seed,
            };
            let weights = self.initial_weights.as_ref();
            let weights = weights.map(|file| file.part(FittedMethod::CELL_PREFIXES[index]));
            self.train(index, pair, training, weights, report)
        };
        let of_a = train(0, |gene| gene.log2_expression_a);
        let of_b = of_a.and_then(|of_a| {
            let of_b = train(1, |gene| gene.log2_expression_b)?;
            Ok([of_a, of_b])
        });
        for (gene, label) in pair.genes.iter_mut().zip(labels) {
            gene.log2_fold_change = label;
        }
        let fitted = of_b?;
        let of = |networks| FittedMethod::Cells {
            networks: Box::new(networks),
            thresholds: fitted[0].thresholds,
            direction,
            task,
        };
        Ok(Fit {
            model: of(fitted.each_ref().map(|fitted| fitted.best.clone())),
            last: Some(of(fitted.each_ref().map(|fitted| fitted.last.clone()))),
            profile: Some(fitted[0].profile + fitted[1].profile),
            networks: fitted.into_iter().map(TrainedNetwork::of).collect(),
            choices: BTreeMap::new(),
            seconds: 0.0,
        })
    }
}
