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
    let (config, training) = (&settings.model, &settings.training);
    let device = Device::flex().autodiff();
    let train = pair.in_split(Split::Train);
    let valid = pair.in_split(Split::Valid);
    let thresholds = ExpressionThresholds {
        a: median(pair, &train, |gene| gene.log2_expression_a),
        b: median(pair, &train, |gene| gene.log2_expression_b),
    };

    let mut model = DeepDiff::new(config, pair.marks().len(), seed, &device)?;
    if config.heads_start_at_mean {
        let mean = |of: fn(&PairedGene) -> f64| {
            train.iter().map(|&g| of(&pair.genes[g])).sum::<f64>() / train.len() as f64
        };
        let cells = (config.auxiliary == Auxiliary::Regression)
            .then(|| [mean(|g| g.log2_expression_a), mean(|g| g.log2_expression_b)]);
        model = model.with_head_biases(mean(|g| g.log2_fold_change), cells);
    }
    if let Some(path) = initial_weights {
        model = load_weights(model, path)?;
    }
    let mut optimizer = Optimizer::new(training);

    let started = Instant::now();
    let mut history = History::default();
    let mut best: Option<(EpochRecord, DeepDiff)> = None;
    let mut steps = 0;
    for epoch in 1..=training.epochs {
        let order = shuffled(&train, seed, epoch);
        let (mut observed, mut predicted) = (Vec::new(), Vec::new());
        let (mut loss_sum, mut largest_norm) = (0.0, 0.0_f64);
        for (index, genes) in order.chunks(training.batch_size).enumerate() {
            let batch = Batch::gather(pair, genes);
            let signal = SignalTensors::of(&batch, &device);
            let mut dropout = generator(seed, Purpose::Dropout, steps);
            let output = model.forward_training(config, signal, &mut dropout);
            let loss = losses(&output, &batch, config, thresholds).total;
            let value: f32 = loss.clone().into_scalar();
            let stop = |quantity: String| Error::NotFinite {
                quantity,
                epoch,
                batch: index + 1,
                gene: pair.gene_id(genes[0]).to_owned(),
                remedy: not_finite_remedy(settings),
            };
            if !value.is_finite() {
                return Err(stop("the loss".into()));
            }
            let norm;
            (model, norm) = optimizer
                .step(model, &loss)
                .map_err(|NotFiniteGradient(name)| stop(format!("the gradient of {name}")))?;

            steps += 1;
            loss_sum += f64::from(value) * genes.len() as f64;
            largest_norm = largest_norm.max(norm);
            observed.extend(genes.iter().map(|&g| pair.genes[g].log2_fold_change));
            let of_batch = values(output.log2_fold_change);
            predicted.extend(of_batch.into_iter().map(f64::from));
            report(Progress::Batch {
                epoch,
                genes: observed.len(),
            });
        }

        let inference = model.clone().valid();
        let (valid_predictions, valid_loss) =
            predict_with_loss(&inference, config, thresholds, pair, &valid);
        if !valid_loss.is_finite() {
            return Err(Error::NotFinite {
                quantity: "the validation loss".into(),
                epoch,
                batch: train.len().div_ceil(training.batch_size),
                gene: pair.gene_id(order[0]).to_owned(),
                remedy: not_finite_remedy(settings),
            });
        }
        let valid_observed: Vec<f64> = valid_predictions.iter().map(|p| p.observed).collect();
        let valid_predicted: Vec<f64> = valid_predictions
            .iter()
            .map(|p| f64::from(p.predicted))
            .collect();
        let record = EpochRecord {
            epoch,
            train_loss: loss_sum / train.len() as f64,
            valid_loss,
            train_pearson_r: pearson_r(&observed, &predicted),
            valid_pearson_r: pearson_r(&valid_observed, &valid_predicted),
            gradient_norm: largest_norm,
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
        if training.patience > 0 && epoch - best_epoch >= training.patience {
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

fn not_finite_remedy(settings: &Settings) -> String {
    format!(
        "The learning rate ({:e}) may be too high for these data, or some signal extremely large: \
         try --set training.learning_rate={:e} or another --set input.transform",
        settings.training.learning_rate,
        settings.training.learning_rate / 10.0
    )
}

fn median(pair: &Pair, genes: &[usize], of: fn(&PairedGene) -> f64) -> f64 {
    let values = genes.iter().map(|&g| of(&pair.genes[g])).collect();
    evaluation::median(values).unwrap_or(0.0)
}
