//! The training loop.

use burn::tensor::Device;

use super::{
    config::TrainingConfig,
    epoch::Trainer,
    history::{EpochRecord, History},
    optimizer::Optimizer,
    predict::predict_with_loss,
    profile::{Profile, Stopwatch},
};
use crate::{
    dataset::{Pair, PairedGene, Split, Task, shuffled},
    error::Result,
    evaluation::{self, pearson_r},
    model::{Epidelta, ExpressionThresholds, Network, NetworkConfig, WeightsFile},
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
        /// Whether it is the best so far by validation score.
        best: bool,
    },
}

/// A trained model.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The network after the best epoch by validation score.
    pub best: Network,
    /// The network after the last epoch.
    pub last: Network,
    /// The best epoch, counted from 1.
    pub best_epoch: usize,
    /// Every epoch.
    pub history: History,
    /// Medians of log2 expression of the training genes.
    pub thresholds: ExpressionThresholds,
    /// Where the time went.
    pub profile: Profile,
}

/// What a network is trained for, and how.
#[derive(Debug, Clone, Copy)]
pub struct Training<'a> {
    /// What the network is made of.
    pub network: &'a NetworkConfig,
    /// How its weights are fitted.
    pub config: &'a TrainingConfig,
    /// What the labels are taken for.
    pub task: Task,
    /// The seed of weights, order and dropout.
    pub seed: u64,
}

/// Trains a network on a pair whose genes have splits and whose signal is
/// transformed.
///
/// # Errors
/// When the settings are out of range, initial weights do not fit, or the loss
/// or a gradient stops being finite.
pub fn fit(
    pair: &Pair,
    training: Training<'_>,
    initial_weights: Option<WeightsFile>,
    report: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Fitted> {
    let Training {
        network,
        config,
        task,
        seed,
    } = training;
    config.check()?;
    let train = pair.in_split(Split::Train);
    let valid = pair.in_split(Split::Valid);
    let thresholds = ExpressionThresholds {
        a: median(pair, &train, |gene| gene.log2_expression_a),
        b: median(pair, &train, |gene| gene.log2_expression_b),
    };

    let trainer = Trainer {
        pair,
        network,
        training: config,
        task,
        seed,
        thresholds,
        device: Device::flex().autodiff(),
    };
    let mut network = trainer.initial_network(&train, initial_weights)?;
    let batches = train.len().div_ceil(config.batch_size);
    let epochs = config.epochs_for(train.len());
    let mut optimizer = Optimizer::new(config, (batches as u64).saturating_mul(epochs as u64));

    let mut stopwatch = Stopwatch::start();
    let mut history = History::default();
    let mut best: Option<(Score, Network)> = None;
    for epoch in 1..=epochs {
        let order = shuffled(&train, seed, epoch);
        let trained;
        (network, trained) = trainer.epoch(
            network,
            &mut optimizer,
            &mut stopwatch,
            &order,
            epoch,
            report,
        )?;

        let inference = averaged(&network, &optimizer);
        let (predictions, valid_loss) = stopwatch.time(
            |profile| &mut profile.validation,
            || predict_with_loss(&inference, thresholds, task, pair, &valid),
        );
        if !valid_loss.is_finite() {
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
        let score = Score::of(&history, config.smoothing);
        let is_best = best.as_ref().is_none_or(|(best, _)| score.is_better(best));
        if is_best {
            best = Some((score, inference));
        }
        report(Progress::Epoch {
            record: &record,
            best: is_best,
        });
        let best_epoch = best.as_ref().map_or(epoch, |(best, _)| best.epoch);
        let patience = config.patience;
        if patience > 0 && epoch - best_epoch >= patience {
            break;
        }
    }
    let epochs = history.epochs.len();
    let last = averaged(&network, &optimizer);
    let (best_epoch, best) = match best {
        Some((score, network)) => (score.epoch, network),
        None => (epochs, last.clone()),
    };
    Ok(Fitted {
        best,
        last,
        best_epoch,
        history,
        thresholds,
        profile: stopwatch.stop(),
    })
}

/// The network that predicts, without tracking of gradients.
fn averaged(network: &Network, optimizer: &Optimizer) -> Network {
    match network.valid() {
        Network::DeepDiff(config, model) => Network::DeepDiff(config, optimizer.averaged(model)),
        Network::DeepChrome(config, model) => {
            Network::DeepChrome(config, optimizer.averaged(model))
        }
        Network::Epidelta(model) => Network::Epidelta(Epidelta {
            layers: optimizer.averaged(model.layers),
            ..model
        }),
    }
}

/// By what epochs are compared.
#[derive(Debug, Clone, Copy)]
struct Score {
    epoch: usize,
    /// Mean validation Pearson r of the epoch and of some before it.
    pearson_r: Option<f64>,
    loss: f64,
}

impl Score {
    /// Of the last epoch.
    fn of(history: &History, smoothing: usize) -> Self {
        let epochs = &history.epochs;
        let recent = &epochs[epochs.len().saturating_sub(smoothing)..];
        let r: Option<Vec<f64>> = recent.iter().map(|epoch| epoch.valid_pearson_r).collect();
        Score {
            epoch: epochs.len(),
            pearson_r: r.map(|r| r.iter().sum::<f64>() / r.len() as f64),
            loss: recent.iter().map(|epoch| epoch.valid_loss).sum::<f64>() / recent.len() as f64,
        }
    }

    /// Whether it is better than the best so far: by Pearson r, and where neither has one
    /// (labels or predictions that do not vary) by loss.
    fn is_better(&self, best: &Score) -> bool {
        match (self.pearson_r, best.pearson_r) {
            (Some(r), Some(highest)) => r > highest,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => self.loss < best.loss,
        }
    }
}

/// The median over genes of a pair; 0 where there are none.
pub(crate) fn median(pair: &Pair, genes: &[usize], of: fn(&PairedGene) -> f64) -> f64 {
    let values = genes.iter().map(|&g| of(&pair.genes[g])).collect();
    evaluation::median(values).unwrap_or(0.0)
}
