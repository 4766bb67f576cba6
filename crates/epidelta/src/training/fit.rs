//! The training loop.

use burn::tensor::Device;

use super::{
    checkpoint::Checkpoint,
    config::TrainingConfig,
    epoch::Trainer,
    history::{EpochRecord, History},
    keeper::Keeper,
    optimizer::Optimizer,
    predict::predict_with_loss,
    profile::{Profile, Stopwatch},
    score::Score,
    state::State,
};
use crate::{
    dataset::{Pair, PairedGene, Split, Task, shuffled},
    error::Result,
    evaluation::{self, pearson_r},
    model::{ExpressionThresholds, Network, NetworkConfig, WeightsFile},
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
    /// It goes on from a checkpoint.
    Resumed {
        /// The epochs that were made before.
        history: &'a History,
        /// The best of them, counted from 1, if there are any.
        best_epoch: Option<usize>,
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
/// transformed. With a checkpoint it goes on from what that holds, if it is there, and ends
/// with the same numbers as if it had not been interrupted.
///
/// # Errors
/// When the settings are out of range, initial weights or a checkpoint do not fit, the loss, a
/// gradient or a weight stops being finite, or a checkpoint cannot be written;
/// [`Error::Interrupted`] when the checkpoint's interrupt is requested.
///
/// [`Error::Interrupted`]: crate::error::Error::Interrupted
pub fn fit(
    pair: &Pair,
    training: Training<'_>,
    initial_weights: Option<WeightsFile>,
    checkpoint: Option<&Checkpoint>,
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
    let snapshot = checkpoint.map(Checkpoint::read).transpose()?.flatten();
    let mut network = trainer.initial_network(&train, initial_weights)?;
    let batches = train.len().div_ceil(config.batch_size);
    let epochs = config.epochs_for(train.len());
    let optimizer = Optimizer::new(config, (batches as u64).saturating_mul(epochs as u64));
    let mut state = State::new(optimizer);
    let mut profile = Profile::default();
    if let Some(snapshot) = snapshot {
        (network, profile) = snapshot.restore(network, &mut state, config.smoothing)?;
        report(Progress::Resumed {
            history: &state.history,
            best_epoch: state.best.as_ref().map(|(best, _)| best.epoch),
        });
    }
    let mut stopwatch = Stopwatch::start(profile);
    let mut keeper = Keeper::new(checkpoint);
    while !is_over(&state, epochs, config.patience) {
        let epoch = state.epoch();
        let order = shuffled(&train, seed, epoch);
        network = trainer.epoch(
            network,
            &mut state,
            &mut stopwatch,
            &order,
            &mut keeper,
            report,
        )?;

        let inference = state.optimizer.averaged_network(&network);
        let (predictions, valid_loss) = stopwatch.time(
            |profile| &mut profile.validation,
            || predict_with_loss(&inference, thresholds, task, pair, &valid),
        );
        if !valid_loss.is_finite() {
            let quantity = "the validation loss".into();
            let place = format!("for the validation genes after epoch {epoch}");
            return Err(trainer.not_finite(quantity, place));
        }
        let observed: Vec<f64> = predictions.iter().map(|p| p.observed).collect();
        let predicted: Vec<f64> = predictions.iter().map(|p| f64::from(p.predicted)).collect();
        let record = trainer.record(
            std::mem::take(&mut state.pass),
            &order,
            epoch,
            valid_loss,
            pearson_r(&observed, &predicted),
        );
        state.history.epochs.push(record);
        let score = Score::of(&state.history, config.smoothing);
        let is_best = state
            .best
            .as_ref()
            .is_none_or(|(best, _)| score.is_better(best));
        if is_best {
            state.best = Some((score, inference));
        }
        report(Progress::Epoch {
            record: &record,
            best: is_best,
        });
        keeper.after_epoch(&network, &state, &stopwatch)?;
    }
    keeper.keep(&network, &state, &stopwatch)?;
    let last = state.optimizer.averaged_network(&network);
    let (best_epoch, best) = match state.best {
        Some((score, network)) => (score.epoch, network),
        None => (state.history.epochs.len(), last.clone()),
    };
    Ok(Fitted {
        best,
        last,
        best_epoch,
        history: state.history,
        thresholds,
        profile: stopwatch.profile(),
    })
}

/// Whether a training has made all its epochs, or enough without a better one.
fn is_over(state: &State, epochs: usize, patience: usize) -> bool {
    let made = state.history.epochs.len();
    let best = state.best.as_ref().map_or(made, |(best, _)| best.epoch);
    made >= epochs || (patience > 0 && made - best >= patience)
}

/// The median over genes of a pair; 0 where there are none.
pub(crate) fn median(pair: &Pair, genes: &[usize], of: fn(&PairedGene) -> f64) -> f64 {
    let values = genes.iter().map(|&g| of(&pair.genes[g])).collect();
    evaluation::median(values).unwrap_or(0.0)
}
