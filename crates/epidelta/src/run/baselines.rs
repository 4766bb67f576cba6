//! What simple methods make of a run's very genes, so that no number of a run stands
//! alone: a linear model, and no signal at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{TrainingPlan, known_cells::known_cells};
use crate::{
    dataset::{Pair, Split, Task},
    error::Result,
    evaluation::{
        Difference, Draws, GenePrediction, Predictions, auroc, auroc_difference, genes_of_rows,
        mean, mean_squared_error, pearson_difference, pearson_r,
    },
    method::{Method, Preset, Settings, fit},
    random::{Purpose, generator},
};

/// The name of the prediction that is the training genes' mean.
const MEAN: &str = "mean";
/// The name of the prediction that is the training genes' more frequent class.
const MAJORITY: &str = "majority";

/// A baseline's measures.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BaselineMetrics {
    /// Test genes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub test: Option<BaselineSplit>,
    /// Validation genes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub valid: Option<BaselineSplit>,
    /// Training genes in cell types that are held out to test on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub new_cell_types: Option<BaselineSplit>,
}

/// A baseline's measures on the genes of a split.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BaselineSplit {
    /// Pearson's r of the log2 fold change.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pearson_r: Option<f64>,
    /// Mean squared error.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mse: Option<f64>,
    /// Where genes are classified, the area under the ROC curve of up versus down.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auroc: Option<f64>,
    /// Where genes are classified, the share of them on the right side.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub accuracy: Option<f64>,
    /// How much better the run's method is, on the same genes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub difference: Option<BaselineDifference>,
}

/// The method's number less the baseline's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BaselineDifference {
    /// Of Pearson's r.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pearson_r: Option<f64>,
    /// Where genes are classified, of the areas under the ROC curve.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auroc: Option<f64>,
    /// The 95 % bootstrap interval over these genes, both methods with the same ones.
    pub interval: [f64; 2],
}

impl BaselineDifference {
    /// The difference, of whatever it is.
    pub fn difference(&self) -> Option<f64> {
        self.pearson_r.or(self.auroc)
    }
}

/// A linear model, fitted.
pub(super) struct Baselines {
    linear: Option<(Method, Predictions)>,
    /// What the known cell types say of new ones, by name, one per gene.
    known_cells: BTreeMap<&'static str, Vec<Option<f64>>>,
    task: Task,
    seed: u64,
}

impl Baselines {
    /// Fits ridge regression, or logistic regression where genes are classified, with the
    /// settings of the preset `tuned` to the plan's labels and splits, unless the plan's
    /// method is that one. The pair's signal is as in the files.
    ///
    /// Whatever keeps the model from being fitted is no reason to fail: there is then no
    /// such baseline.
    pub(super) fn fit(pair: &mut Pair, plan: &TrainingPlan) -> Self {
        let task = plan.settings.label.task;
        let method = match task {
            Task::Regression => Method::Ridge,
            Task::Classification => Method::Logistic,
        };
        // A linear model takes what is hidden for a signal of zero.
        let linear = match method == plan.method || pair.lacks_marks() {
            true => None,
            false => match linear(pair, method, plan) {
                Ok(predictions) => Some((method, predictions)),
                Err(error) => {
                    tracing::debug!("no baseline {method}: {error}");
                    None
                }
            },
        };
        Baselines {
            linear,
            known_cells: match (task, plan.data.labels()) {
                (Task::Regression, None) => known_cells(pair, &plan.settings.label),
                _ => BTreeMap::new(),
            },
            task,
            seed: plan.seed,
        }
    }

    /// The baselines' measures, by name, beside a method's predictions of the same genes
    /// in the same order.
    pub(super) fn beside(&self, predictions: &Predictions) -> BTreeMap<String, BaselineMetrics> {
        let mut baselines = BTreeMap::new();
        let mut insert = |name: &str, of_split: &dyn Fn(Split) -> Option<BaselineSplit>| {
            let metrics = BaselineMetrics {
                test: of_split(Split::Test),
                valid: of_split(Split::Valid),
                new_cell_types: None,
            };
            if metrics != BaselineMetrics::default() {
                baselines.insert(name.to_owned(), metrics);
            }
        };
        if let Some((method, linear)) = &self.linear {
            insert(method.name(), &|split| {
                self.of_linear(&in_split(predictions, split), &in_split(linear, split))
            });
        }
        let train = in_split(predictions, Split::Train);
        match self.task {
            Task::Regression => insert(MEAN, &|split| {
                let constant = mean(&observed(&train))?;
                let observed = observed(&in_split(predictions, split));
                Some(BaselineSplit {
                    mse: Some(mean_squared_error(
                        &observed,
                        &vec![constant; observed.len()],
                    )?),
                    ..BaselineSplit::default()
                })
            }),
            Task::Classification => insert(MAJORITY, &|split| {
                let up = 2 * up(&train).iter().filter(|&&up| up).count() > train.len();
                let of_split: Vec<f64> = self::up(&in_split(predictions, split))
                    .iter()
                    .map(|&of_gene| f64::from(u8::from(of_gene == up)))
                    .collect();
                Some(BaselineSplit {
                    accuracy: Some(mean(&of_split)?),
                    ..BaselineSplit::default()
                })
            }),
        }
        for (name, of_genes) in &self.known_cells {
            let genes = predictions.genes.iter().zip(of_genes);
            let (method, baseline): (Vec<&GenePrediction>, Vec<f64>) = genes
                .filter_map(|(gene, of_gene)| Some((gene, (*of_gene)?)))
                .unzip();
            let metrics = BaselineMetrics {
                new_cell_types: self.compared(&method, baseline),
                ..BaselineMetrics::default()
            };
            if metrics != BaselineMetrics::default() {
                baselines.insert((*name).to_owned(), metrics);
            }
        }
        baselines
    }

    fn of_linear(
        &self,
        method: &[&GenePrediction],
        linear: &[&GenePrediction],
    ) -> Option<BaselineSplit> {
        self.compared(method, predicted(linear))
    }

    /// A baseline's measures beside a method's predictions of the same genes.
    fn compared(&self, method: &[&GenePrediction], baseline: Vec<f64>) -> Option<BaselineSplit> {
        if method.is_empty() {
            return None;
        }
        let (observed, up) = (observed(method), up(method));
        let (of_method, of_linear) = (predicted(method), baseline);
        let genes = genes_of_rows(method);
        let mut draws = generator(self.seed, Purpose::Bootstrap, 0);
        let draws = Draws::new(genes.as_deref(), &mut draws);
        Some(match self.task {
            Task::Regression => {
                let both = [&[of_method][..], &[of_linear.clone()][..]];
                let difference = pearson_difference(&observed, both, draws);
                let of = |Difference {
                              difference,
                              interval,
                          }| BaselineDifference {
                    pearson_r: Some(difference),
                    auroc: None,
                    interval,
                };
                BaselineSplit {
                    pearson_r: pearson_r(&observed, &of_linear),
                    mse: mean_squared_error(&observed, &of_linear),
                    difference: difference.map(of),
                    ..BaselineSplit::default()
                }
            }
            Task::Classification => {
                let both = [&of_method[..], &of_linear[..]];
                let difference = auroc_difference(&up, both, draws);
                let of = |Difference {
                              difference,
                              interval,
                          }| BaselineDifference {
                    pearson_r: None,
                    auroc: Some(difference),
                    interval,
                };
                let right = up.iter().zip(&of_linear);
                let right = right.filter(|&(&up, &score)| up == (score > 0.0)).count();
                BaselineSplit {
                    auroc: auroc(&up, &of_linear),
                    accuracy: Some(right as f64 / up.len() as f64),
                    difference: difference.map(of),
                    ..BaselineSplit::default()
                }
            }
        })
    }
}

/// Predictions of a linear model for every gene of a pair.
fn linear(pair: &mut Pair, method: Method, plan: &TrainingPlan) -> Result<Predictions> {
    let mut settings = Settings::of(method, Preset::Tuned);
    settings.label = plan.settings.label;
    settings.split = plan.settings.split.clone();
    if pair.check_transform(settings.input.transform).is_err() {
        settings.input = plan.settings.input;
    }
    let fitted = fit(method, pair, &settings, plan.seed, None, None, &mut |_| ())?;
    let genes: Vec<usize> = (0..pair.genes.len()).collect();
    fitted.model.predict(pair, &genes, &settings.label)
}

fn in_split(predictions: &Predictions, split: Split) -> Vec<&GenePrediction> {
    let genes = predictions.genes.iter();
    genes.filter(|gene| gene.split == Some(split)).collect()
}

fn observed(genes: &[&GenePrediction]) -> Vec<f64> {
    genes.iter().map(|gene| gene.observed).collect()
}

fn predicted(genes: &[&GenePrediction]) -> Vec<f64> {
    genes.iter().map(|gene| f64::from(gene.predicted)).collect()
}

/// Whether genes go up.
fn up(genes: &[&GenePrediction]) -> Vec<bool> {
    genes.iter().map(|gene| gene.up == Some(true)).collect()
}
