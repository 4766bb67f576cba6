//! The training loop.

use std::{path::Path, time::Instant};

use burn::{module::Module, tensor::Device};

use super::{
    history::{EpochRecord, History},
    optimizer::{NotFiniteGradient, Optimizer},
    predict::{predict_with_loss, values},
    settings::Settings,
};
use crate::{
    dataset::{Batch, Pair, PairedGene, Split, shuffled},
    error::{Error, Result},
    evaluation::{self, pearson_r},
    model::{Auxiliary, DeepDiff, ExpressionThresholds, SignalTensors, load_weights, losses},
    random::{Purpose, generator},
};

/// What a training tells while it runs.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// A batch was trained on.
    Batch {
        /// The epoch, counted from 1.
        epoch: usize,
        /// Genes of the epoch trained on so far.
        genes: usize,
    },
    /// An epoch ended.
    Epoch {
        /// Its record.
        record: &'a EpochRecord,
        /// Whether it is the best so far by validation Pearson r.
        best: bool,
    },
}

/// A trained model.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The weights after the best epoch by validation Pearson r.
    pub best: DeepDiff,
    /// The weights after the last epoch.
    pub last: DeepDiff,
    /// The best epoch, counted from 1.
    pub best_epoch: usize,
    /// Every epoch.
    pub history: History,
    /// Medians of log2 expression of the training genes.
    pub thresholds: ExpressionThresholds,
    /// Mean wall-clock seconds of an epoch, validation included.
    pub seconds_per_epoch: f64,
}

/// Trains a model on a pair whose genes have splits and whose signal is
/// transformed.
///
/// # Errors
/// When the settings are out of range, initial weights do not fit, or the loss
/// or a gradient stops being finite.
pub fn fit(
    pair: &Pair,
    settings: &Settings,
    seed: u64,
    initial_weights: Option<&Path>,
    report: &mut dyn FnMut(Progress<'_>),
) -> Result<Fitted> {
    settings.check()?;
    let config = &settings.model;
    let train = pair.in_split(Split::Train);
    let valid = pair.in_split(Split::Valid);
    let thresholds = ExpressionThresholds {
        a: median(pair, &train, |gene| gene.log2_expression_a),
        b: median(pair, &train, |gene| gene.log2_expression_b),
    };

    let trainer = Trainer {
        pair,
        settings,
        seed,
        thresholds,
        device: Device::flex().autodiff(),
    };
    let mut model = trainer.initial_model(&train, initial_weights)?;
    let mut optimizer = Optimizer::new(&settings.training);

    let started = Instant::now();
    let mut history = History::default();
    let mut best: Option<(EpochRecord, DeepDiff)> = None;
    for epoch in 1..=settings.training.epochs {
        let order = shuffled(&train, seed, epoch);
        let trained;
        (model, trained) = trainer.epoch(model, &mut optimizer, &order, epoch, report)?;

        let inference = model.clone().valid();
        let (predictions, valid_loss) =
            predict_with_loss(&inference, config, thresholds, pair, &valid);
        if !valid_loss.is_finite() {
            let batches = order.len().div_ceil(settings.training.batch_size);
            let quantity = "the validation loss".into();
            return Err(trainer.not_finite(quantity, epoch, batches, order[0]));
        }
        let observed: Vec<f64> = predictions.iter().map(|p| p.observed).collect();
        let predicted: Vec<f64> = predictions.iter().map(|p| f64::from(p.predicted)).collect();
        let record = EpochRecord {
            epoch,
            train_loss: trained.loss,
            valid_loss,
            train_pearson_r: trained.pearson_r,
            valid_pearson_r: pearson_r(&observed, &predicted),
            gradient_norm: trained.gradient_norm,
        };
        history.epochs.push(record);
        let is_best = best.as_ref().is_none_or(|(best, _)| better(&record, best));
        if is_best {
            best = Some((record, inference));
        }
        report(Progress::Epoch {
            record: &record,
            best: is_best,
        });
        let best_epoch = best.as_ref().map_or(epoch, |(best, _)| best.epoch);
        let patience = settings.training.patience;
        if patience > 0 && epoch - best_epoch >= patience {
            break;
        }
    }
    let epochs = history.epochs.len();
    let last = model.valid();
    let (best_epoch, best) = match best {
        Some((record, model)) => (record.epoch, model),
        None => (epochs, last.clone()),
    };
    Ok(Fitted {
        best,
        last,
        best_epoch,
        history,
        thresholds,
        seconds_per_epoch: started.elapsed().as_secs_f64() / epochs.max(1) as f64,
    })
}

/// What stays the same over a training.
struct Trainer<'a> {
    pair: &'a Pair,
    settings: &'a Settings,
    seed: u64,
    thresholds: ExpressionThresholds,
    device: Device,
}

/// How a pass over the training genes went.
struct TrainedEpoch {
    loss: f64,
    pearson_r: Option<f64>,
    gradient_norm: f64,
}

impl Trainer<'_> {
    fn initial_model(&self, train: &[usize], weights: Option<&Path>) -> Result<DeepDiff> {
        let config = &self.settings.model;
        let marks = self.pair.marks().len();
        let mut model = DeepDiff::new(config, marks, self.seed, &self.device)?;
        if config.heads_start_at_mean {
            let mean = |of: fn(&PairedGene) -> f64| {
                train.iter().map(|&g| of(&self.pair.genes[g])).sum::<f64>() / train.len() as f64
            };
            let cells = (config.auxiliary == Auxiliary::Regression)
                .then(|| [mean(|g| g.log2_expression_a), mean(|g| g.log2_expression_b)]);
            model = model.with_head_biases(mean(|g| g.log2_fold_change), cells);
        }
        match weights {
            Some(path) => load_weights(model, path),
            None => Ok(model),
        }
    }

    /// One pass over the training genes in the given order.
    fn epoch(
        &self,
        mut model: DeepDiff,
        optimizer: &mut Optimizer,
        order: &[usize],
        epoch: usize,
        report: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(DeepDiff, TrainedEpoch)> {
        let (config, batch_size) = (&self.settings.model, self.settings.training.batch_size);
        let earlier_steps = (epoch - 1) * order.len().div_ceil(batch_size);
        let (mut observed, mut predicted) = (Vec::new(), Vec::new());
        let (mut loss_sum, mut largest_norm) = (0.0, 0.0_f64);
        for (index, genes) in order.chunks(batch_size).enumerate() {
            let batch = Batch::gather(self.pair, genes);
            let signal = SignalTensors::of(&batch, &self.device);
            let step = (earlier_steps + index) as u64;
            let mut dropout = generator(self.seed, Purpose::Dropout, step);
            let output = model.forward_training(config, signal, &mut dropout);
            let loss = losses(&output, &batch, config, self.thresholds).total;
            let value: f32 = loss.clone().into_scalar();
            let stop = |quantity| self.not_finite(quantity, epoch, index + 1, genes[0]);
            if !value.is_finite() {
                return Err(stop("the loss".into()));
            }
            let norm;
            (model, norm) = optimizer
                .step(model, &loss)
                .map_err(|NotFiniteGradient(name)| stop(format!("the gradient of {name}")))?;

            loss_sum += f64::from(value) * genes.len() as f64;
            largest_norm = largest_norm.max(norm);
            observed.extend_from_slice(&batch.log2_fold_change);
            let of_batch = values(output.log2_fold_change);
            predicted.extend(of_batch.into_iter().map(f64::from));
            report(Progress::Batch {
                epoch,
                genes: observed.len(),
            });
        }
        let trained = TrainedEpoch {
            loss: loss_sum / order.len() as f64,
            pearson_r: pearson_r(&observed, &predicted),
            gradient_norm: largest_norm,
        };
        Ok((model, trained))
    }

    fn not_finite(&self, quantity: String, epoch: usize, batch: usize, gene: usize) -> Error {
        let rate = self.settings.training.learning_rate;
        Error::NotFinite {
            quantity,
            epoch,
            batch,
            gene: self.pair.gene_id(gene).to_owned(),
            remedy: format!(
                "The learning rate ({rate:e}) may be too high for these data, or some signal \
                 extremely large: try --set training.learning_rate={:e} or another \
                 --set input.transform",
                rate / 10.0
            ),
        }
    }
}

/// Whether an epoch is better than the best so far: by validation Pearson r, and
/// where neither has one (labels or predictions that do not vary) by loss.
fn better(epoch: &EpochRecord, best: &EpochRecord) -> bool {
    match (epoch.valid_pearson_r, best.valid_pearson_r) {
        (Some(r), Some(highest)) => r > highest,
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) => epoch.valid_loss < best.valid_loss,
    }
}

fn median(pair: &Pair, genes: &[usize], of: fn(&PairedGene) -> f64) -> f64 {
    let values = genes.iter().map(|&g| of(&pair.genes[g])).collect();
    evaluation::median(values).unwrap_or(0.0)
}
