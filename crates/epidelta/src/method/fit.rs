//! Fitting a method to a pair.

use std::{collections::BTreeMap, sync::Mutex, time::Instant};

use serde_json::Value;

use super::{FittedMethod, Method, MethodConfig, NetworkSettings, Settings};
use crate::{
    baseline::{self, Problem},
    dataset::{Pair, PairedGene, Split, Task},
    error::Result,
    model::{Channel, ExpressionThresholds, NetworkConfig, WeightsFile},
    training::{self, Fitted, History, Profile, Training, TrainingConfig},
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

/// Fits a method to the training genes of a pair, choosing by its validation genes.
/// The pair's signal is transformed where [`Settings::transforms_bins`] says so.
///
/// # Errors
/// When settings or initial weights do not fit the data, or a training diverges.
pub fn fit(
    method: Method,
    pair: &mut Pair,
    settings: &Settings,
    seed: u64,
    initial_weights: Option<WeightsFile>,
    report: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Fit> {
    settings.check_for(method)?;
    let started = Instant::now();
    let networks = Networks {
        label: settings.label.task,
        seed,
        initial_weights,
    };
    let mut fit = match &settings.method {
        MethodConfig::DeepDiff(NetworkSettings { model, training }) => {
            let network = NetworkConfig::DeepDiff(model.clone());
            networks.joint(pair, &network, training, report)?
        }
        MethodConfig::AttentiveChrome(NetworkSettings { model, training }) => {
            let of_cell = |channel| NetworkConfig::DeepDiff(model.of_cell(channel));
            networks.per_cell(pair, settings, of_cell, model.cell_task, training, report)?
        }
        MethodConfig::DeepChrome(NetworkSettings { model, training }) => {
            let seeing = |channels: Vec<Channel>| {
                let mut model = model.clone();
                model.channels = channels;
                NetworkConfig::DeepChrome(model)
            };
            if model.channels.is_empty() {
                let of_cell = |channel| seeing(vec![channel]);
                networks.per_cell(pair, settings, of_cell, model.cell_task, training, report)?
            } else {
                let network = seeing(model.channels.clone());
                networks.joint(pair, &network, training, report)?
            }
        }
        config => {
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
            let model = match config {
                MethodConfig::Svr(settings) => baseline::fit_best_bin(&problem, &settings.svr)?,
                MethodConfig::TwoLayerSvr(settings) => {
                    baseline::fit_two_layer(&problem, &settings.svr)?
                }
                MethodConfig::ReliefForest(settings) => baseline::fit_relieff_forest(
                    &problem,
                    &settings.features,
                    &settings.relieff,
                    &settings.forest,
                )?,
                MethodConfig::Ridge(s) => baseline::fit_ridge(&problem, &s.features, &s.linear)?,
                MethodConfig::Lasso(s) => baseline::fit_lasso(&problem, &s.features, &s.linear)?,
                MethodConfig::Logistic(s) => {
                    baseline::fit_logistic(&problem, &s.features, &s.linear)?
                }
                MethodConfig::Boosting(s) => {
                    baseline::fit_boosting(&problem, &s.features, &s.boosting)?
                }
                MethodConfig::DeepDiff(_)
                | MethodConfig::AttentiveChrome(_)
                | MethodConfig::DeepChrome(_) => unreachable!("networks are fitted above"),
            };
            Fit {
                choices: model.choices(),
                model: FittedMethod::Baseline {
                    model: Box::new(model),
                    transform: settings.input.transform,
                },
                last: None,
                networks: Vec::new(),
                profile: None,
                seconds: 0.0,
            }
        }
    };
    fit.seconds = started.elapsed().as_secs_f64();
    Ok(fit)
}

/// What the networks of a method have in common.
struct Networks {
    label: Task,
    seed: u64,
    initial_weights: Option<WeightsFile>,
}

impl Networks {
    /// One network that sees both cell types.
    fn joint(
        self,
        pair: &Pair,
        network: &NetworkConfig,
        config: &TrainingConfig,
        report: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<Fit> {
        let training = Training {
            network,
            config,
            task: self.label,
            seed: self.seed,
        };
        let fitted = training::fit(pair, training, self.initial_weights, &mut |progress| {
            report(Progress::Network { index: 0, progress });
        })?;
        let of = |network| FittedMethod::Network {
            network,
            thresholds: fitted.thresholds,
        };
        Ok(Fit {
            model: of(fitted.best),
            last: Some(of(fitted.last)),
            networks: vec![TrainedNetwork {
                best_epoch: fitted.best_epoch,
                history: fitted.history,
            }],
            choices: BTreeMap::new(),
            profile: Some(fitted.profile),
            seconds: 0.0,
        })
    }

    /// A network for each cell type, trained alone: its label is that cell type's log2
    /// expression, or how far it is above the median.
    fn per_cell(
        self,
        pair: &mut Pair,
        settings: &Settings,
        network: impl Fn(Channel) -> NetworkConfig,
        task: Task,
        config: &TrainingConfig,
        report: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<Fit> {
        let labels: Vec<f64> = pair.genes.iter().map(|g| g.log2_fold_change).collect();
        let mut train = |index: usize, channel, of: fn(&PairedGene) -> f64| -> Result<Fitted> {
            let threshold = match task {
                Task::Regression => 0.0,
                Task::Classification => training::median(pair, &pair.in_split(Split::Train), of),
            };
            for gene in &mut pair.genes {
                gene.log2_fold_change = of(gene) - threshold;
            }
            let training = Training {
                network: &network(channel),
                config,
                task,
                seed: self.seed,
            };
            let weights = self.initial_weights.as_ref();
            let weights = weights.map(|file| file.part(FittedMethod::CELL_PREFIXES[index]));
            training::fit(pair, training, weights, &mut |progress| {
                report(Progress::Network { index, progress });
            })
        };
        let of_a = train(0, Channel::A, |gene| gene.log2_expression_a);
        let of_b = of_a.and_then(|of_a| {
            let of_b = train(1, Channel::B, |gene| gene.log2_expression_b)?;
            Ok([of_a, of_b])
        });
        for (gene, label) in pair.genes.iter_mut().zip(labels) {
            gene.log2_fold_change = label;
        }
        let fitted = of_b?;
        let of = |networks| FittedMethod::Cells {
            networks: Box::new(networks),
            thresholds: ExpressionThresholds {
                a: fitted[0].thresholds.a,
                b: fitted[0].thresholds.b,
            },
            direction: settings.label.direction,
            task,
        };
        Ok(Fit {
            model: of(fitted.each_ref().map(|fitted| fitted.best.clone())),
            last: Some(of(fitted.each_ref().map(|fitted| fitted.last.clone()))),
            profile: Some(fitted[0].profile + fitted[1].profile),
            networks: fitted
                .into_iter()
                .map(|fitted| TrainedNetwork {
                    best_epoch: fitted.best_epoch,
                    history: fitted.history,
                })
                .collect(),
            choices: BTreeMap::new(),
            seconds: 0.0,
        })
    }
}
