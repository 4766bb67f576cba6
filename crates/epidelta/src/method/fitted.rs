//! A fitted method: it predicts, is saved and loaded.

use std::path::Path;

use burn::tensor::Device;

use super::{Method, Settings, settings::Networks};
use crate::{
    baseline::Baseline,
    dataset::{InputTransform, LabelConfig, LabelDirection, Pair, Task},
    error::{Error, Place, Result},
    evaluation::{GenePrediction, Predictions},
    model::{
        DataSize, ExpressionThresholds, Network, NetworkConfig, Tensors, WeightsFile,
        named_tensors, write_tensors,
    },
    training::{cell_predictions, predict},
};

/// What a method learned.
#[derive(Debug)]
pub enum FittedMethod {
    /// Networks that see both cell types, whose mean predicts: an ensemble, or one alone.
    Network {
        /// The networks, one or more.
        members: Vec<Network>,
        /// The boundary between low and high of its cell-specific tasks.
        thresholds: ExpressionThresholds,
    },
    /// A network for each cell type, whose predictions are subtracted.
    Cells {
        /// Those of A and B.
        networks: Box<[Network; 2]>,
        /// The boundary between low and high, where they classify.
        thresholds: ExpressionThresholds,
        /// Which prediction is subtracted from which.
        direction: LabelDirection,
        /// Whether they predict log2 expression or log-odds of being above the median.
        task: Task,
    },
    /// A learner that is no network.
    Baseline {
        /// The learner.
        model: Box<Baseline>,
        /// The transform of its features.
        transform: InputTransform,
    },
}

impl FittedMethod {
    /// Before the names of the weights of A's and of B's network.
    pub(super) const CELL_PREFIXES: [&str; 2] = ["a.", "b."];
    /// The files that may hold a method in a run folder.
    pub const FILES: [&str; 3] = ["model.safetensors", "model.json", "model.postcard"];

    /// Predicts genes of a pair (its signal as for the fit).
    ///
    /// # Errors
    /// When a prediction is not a finite number.
    pub fn predict(
        &self,
        pair: &Pair,
        genes: &[usize],
        label: &LabelConfig,
    ) -> Result<Predictions> {
        let mut predictions = match self {
            FittedMethod::Network {
                members,
                thresholds,
            } => {
                let of_member = |network| predict(network, *thresholds, pair, genes);
                mean_of_members(members.iter().map(of_member).collect())
            }
            FittedMethod::Cells {
                networks,
                thresholds,
                direction,
                task,
            } => {
                let [a, b] = networks
                    .each_ref()
                    .map(|network| predict(network, *thresholds, pair, genes));
                let joined = genes.iter().zip(a.into_iter().zip(b));
                joined
                    .map(|(&gene, (a, b))| {
                        let scores = [a.predicted, b.predicted];
                        let cells = cell_predictions(&pair.genes[gene], scores, *thresholds, *task);
                        GenePrediction {
                            predicted: match direction {
                                LabelDirection::AOverB => scores[0] - scores[1],
                                LabelDirection::BOverA => scores[1] - scores[0],
                            },
                            cells: Some(cells),
                            ..a
                        }
                    })
                    .collect()
            }
            FittedMethod::Baseline { model, transform } => {
                let predicted = model.predict(pair, *transform, genes)?;
                let predicted = genes.iter().zip(predicted);
                predicted
                    .map(|(&gene, predicted)| GenePrediction::of(pair, gene, predicted as f32))
                    .collect()
            }
        };
        for gene in &mut predictions {
            gene.up = label.class_of(gene.observed);
        }
        Predictions { genes: predictions }.finite()
    }

    /// The medians that cell-specific classification needs, of methods that have them.
    pub fn thresholds(&self) -> Option<ExpressionThresholds> {
        match self {
            FittedMethod::Network { thresholds, .. } | FittedMethod::Cells { thresholds, .. } => {
                Some(*thresholds)
            }
            FittedMethod::Baseline { .. } => None,
        }
    }

    /// The name of the file that [`FittedMethod::save`] writes.
    pub fn file_name(method: Method) -> &'static str {
        let [network, json, postcard] = Self::FILES;
        match method {
            Method::Epidelta
            | Method::DeepDiff(_)
            | Method::AttentiveChrome
            | Method::DeepChrome
            | Method::DeepChromeRaw => network,
            Method::Ridge | Method::Lasso | Method::Logistic | Method::Boosting => json,
            Method::Svr | Method::TwoLayerSvr | Method::ReliefForest => postcard,
        }
    }

    /// Writes what was learned.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        match self {
            FittedMethod::Network { members, .. } if members.len() == 1 => {
                write_tensors(&named_tensors(&members[0]), path)
            }
            FittedMethod::Network { members, .. } => {
                let prefixed = members.iter().enumerate().flat_map(|(member, network)| {
                    with_prefix(&WeightsFile::member_prefix(member), named_tensors(network))
                });
                write_tensors(&prefixed.collect(), path)
            }
            FittedMethod::Cells { networks, .. } => {
                let parts = Self::CELL_PREFIXES.into_iter().zip(networks.iter());
                let prefixed =
                    parts.flat_map(|(prefix, network)| with_prefix(prefix, named_tensors(network)));
                write_tensors(&prefixed.collect(), path)
            }
            FittedMethod::Baseline { model, .. } => model.save(path),
        }
    }

    /// Reads what [`FittedMethod::save`] wrote, for data of this size.
    ///
    /// # Errors
    /// When the file cannot be read or is of another method or shape.
    pub fn load(
        path: &Path,
        settings: &Settings,
        size: DataSize,
        thresholds: Option<ExpressionThresholds>,
    ) -> Result<Self> {
        let thresholds = thresholds.unwrap_or_default();
        let network = |config: &NetworkConfig, file: WeightsFile| -> Result<Network> {
            // A description may claim sizes that fill memory: the file has to bear them out.
            let weights = config.least_weights(size);
            if weights > file.numbers() as u128 {
                return Err(file.too_small(weights));
            }
            file.put_into(Network::new(config, size, 0, &Device::flex())?)
        };
        match settings.method.networks() {
            Some(Networks::Joint(config)) => {
                let file = WeightsFile::read(path)?;
                let members = file.members().into_iter();
                Ok(FittedMethod::Network {
                    members: members
                        .map(|file| network(&config, file))
                        .collect::<Result<_>>()?,
                    thresholds,
                })
            }
            Some(Networks::PerCell { networks, task }) => {
                let file = WeightsFile::read(path)?;
                let [a, b] = Self::CELL_PREFIXES.map(|prefix| file.part(prefix));
                let networks = [network(&networks[0], a)?, network(&networks[1], b)?];
                Ok(FittedMethod::Cells {
                    networks: Box::new(networks),
                    thresholds,
                    direction: settings.label.direction,
                    task,
                })
            }
            None => {
                let model = Baseline::load(path)?;
                let DataSize { marks, bins, .. } = size;
                if !model.fits(marks, bins) {
                    return Err(Error::content(
                        path,
                        Place::File,
                        format!("a model of {marks} marks and {bins} bins"),
                        "one of another size",
                        "Train the run again",
                    ));
                }
                Ok(FittedMethod::Baseline {
                    model: Box::new(model),
                    transform: settings.input.transform,
                })
            }
        }
    }
}

fn with_prefix(prefix: &str, tensors: Tensors) -> Tensors {
    let tensors = tensors.into_iter();
    tensors
        .map(|(name, tensor)| (format!("{prefix}{name}"), tensor))
        .collect()
}

/// The standard deviation of the predictions of a gene by an ensemble of two or more.
fn standard_deviation(members: &[Vec<GenePrediction>], gene: usize) -> f32 {
    let predicted: Vec<f64> = members
        .iter()
        .map(|member| f64::from(member[gene].predicted))
        .collect();
    let mean = predicted.iter().sum::<f64>() / predicted.len() as f64;
    let squares: f64 = predicted.iter().map(|x| (x - mean).powi(2)).sum();
    (squares / (predicted.len() - 1) as f64).sqrt() as f32
}

/// The mean of the predictions of an ensemble, and their spread.
fn mean_of_members(mut members: Vec<Vec<GenePrediction>>) -> Vec<GenePrediction> {
    if members.len() == 1 {
        return members.swap_remove(0);
    }
    let mean = |of: &dyn Fn(&GenePrediction) -> f32, gene: usize| {
        let sum: f64 = members
            .iter()
            .map(|member| f64::from(of(&member[gene])))
            .sum();
        sum / members.len() as f64
    };
    let genes = members[0].iter().cloned().enumerate();
    genes
        .map(|(index, gene)| GenePrediction {
            predicted: mean(&|of| of.predicted, index) as f32,
            spread: Some(standard_deviation(&members, index)),
            cells: gene.cells.map(|cells| {
                [0, 1].map(|cell| {
                    let of = |of: &GenePrediction| of.cells.map_or(0.0, |of| of[cell].predicted());
                    cells[cell].with_predicted(mean(&of, index) as f32)
                })
            }),
            ..gene
        })
        .collect()
}
