//! One pass over the training genes.

use std::path::Path;

use burn::tensor::Device;

use super::{
    fit::Progress,
    optimizer::{NotFinite, Optimizer, gradients},
    profile::Stopwatch,
    settings::Settings,
};
use crate::{
    dataset::{Batch, Pair, PairedGene},
    error::{Error, Result},
    evaluation::pearson_r,
    model::{
        Auxiliary, DeepDiff, ExpressionThresholds, SignalTensors, load_weights, losses, values,
    },
    random::{Purpose, generator},
};

/// What stays the same over a training.
pub(super) struct Trainer<'a> {
    pub pair: &'a Pair,
    pub settings: &'a Settings,
    pub seed: u64,
    pub thresholds: ExpressionThresholds,
    pub device: Device,
}

/// How a pass over the training genes went.
pub(super) struct TrainedEpoch {
    /// Mean over the genes.
    pub loss: f64,
    pub pearson_r: Option<f64>,
    /// The largest of all steps, before clipping.
    pub gradient_norm: f64,
}

/// How a step went.
struct TrainedBatch {
    loss: f32,
    gradient_norm: f64,
    predicted: Vec<f32>,
}

impl Trainer<'_> {
    pub fn initial_model(&self, train: &[usize], weights: Option<&Path>) -> Result<DeepDiff> {
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
    pub fn epoch(
        &self,
        mut model: DeepDiff,
        optimizer: &mut Optimizer,
        stopwatch: &mut Stopwatch,
        order: &[usize],
        epoch: usize,
        report: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(DeepDiff, TrainedEpoch)> {
        let batch_size = self.settings.training.batch_size;
        let batches = order.len().div_ceil(batch_size);
        let (mut observed, mut predicted) = (Vec::new(), Vec::new());
        let (mut loss_sum, mut largest_norm) = (0.0, 0.0_f64);
        let mut chunks = order.chunks(batch_size);
        let mut gather_next = || {
            let genes = chunks.next();
            genes.map(|genes| Batch::gather(self.pair, genes))
        };
        let mut next = gather_next();
        let mut index = 0;
        while let Some(batch) = next.take() {
            let step = ((epoch - 1) * batches + index) as u64;
            // An idle thread gathers the next batch beside the step.
            let stepped = rayon::in_place_scope(|scope| {
                scope.spawn(|_| next = gather_next());
                self.step(model, optimizer, stopwatch, &batch, step)
            });
            index += 1;
            let trained;
            (model, trained) = stepped.map_err(|NotFinite(quantity)| {
                self.not_finite(quantity, epoch, index, batch.genes[0])
            })?;
            loss_sum += f64::from(trained.loss) * batch.len() as f64;
            largest_norm = largest_norm.max(trained.gradient_norm);
            observed.extend_from_slice(&batch.log2_fold_change);
            predicted.extend(trained.predicted.into_iter().map(f64::from));
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

    /// One step on a batch. `index` counts steps over all epochs.
    fn step(
        &self,
        model: DeepDiff,
        optimizer: &mut Optimizer,
        stopwatch: &mut Stopwatch,
        batch: &Batch,
        index: u64,
    ) -> std::result::Result<(DeepDiff, TrainedBatch), NotFinite> {
        let config = &self.settings.model;
        let mut dropout = generator(self.seed, Purpose::Dropout, index);
        let output = stopwatch.time(
            |profile| &mut profile.forward,
            || {
                let signal = SignalTensors::of(batch, &self.device);
                model.forward_training(config, signal, &mut dropout)
            },
        );
        let (total, loss) = stopwatch.time(
            |profile| &mut profile.losses,
            || {
                let total = losses(&output, batch, config, self.thresholds).total;
                let loss: f32 = total.clone().into_scalar();
                (total, loss)
            },
        );
        if !loss.is_finite() {
            return Err(NotFinite("the loss".into()));
        }
        let gradients = stopwatch.time(
            |profile| &mut profile.backward,
            || gradients(&total, &model),
        );
        let (model, gradient_norm) = stopwatch.time(
            |profile| &mut profile.optimizer,
            || optimizer.step(model, gradients),
        )?;
        let trained = TrainedBatch {
            loss,
            gradient_norm,
            predicted: values(output.log2_fold_change),
        };
        Ok((model, trained))
    }

    pub fn not_finite(&self, quantity: String, epoch: usize, batch: usize, gene: usize) -> Error {
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
