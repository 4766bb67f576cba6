//! One pass over the training genes.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::{
    config::TrainingConfig,
    fit::Progress,
    history::EpochRecord,
    keeper::Keeper,
    optimizer::{NotFinite, Optimizer, gradients},
    profile::Stopwatch,
    state::{Pass, State},
};
use crate::{
    dataset::{Batch, Pair, PairedGene, Task},
    error::{Error, Result},
    evaluation::pearson_r,
    model::{
        Auxiliary, DataSize, Epidelta, ExpressionThresholds, Network, NetworkConfig, Output,
        SignalTensors, Standard, WeightsFile, values,
    },
    random::{Purpose, generator},
};

/// What stays the same over a training.
pub(super) struct Trainer<'a> {
    pub pair: &'a Pair,
    pub network: &'a NetworkConfig,
    pub training: &'a TrainingConfig,
    pub task: Task,
    pub seed: u64,
    pub thresholds: ExpressionThresholds,
    pub device: Device,
}

/// How a step went.
struct TrainedBatch {
    loss: f32,
    gradient_norm: f64,
    predicted: Vec<f32>,
}

impl Trainer<'_> {
    pub fn initial_network(
        &self,
        train: &[usize],
        weights: Option<WeightsFile>,
    ) -> Result<Network> {
        let size = DataSize {
            marks: self.pair.marks().len(),
            bins: self.pair.bins(),
            cell_types: self.pair.cells.len(),
        };
        let mut network = Network::new(self.network, size, self.seed, &self.device)?;
        match &mut network {
            Network::Epidelta(model) => model.standard = Standard::of(self.pair, train),
            Network::DeepDiff(config, _) if config.auxiliary_relative => {
                *config = config.for_targets(&Standard::of(self.pair, train));
            }
            Network::DeepDiff(..) | Network::DeepChrome(..) => {}
        }
        if self.heads_start_at_mean() {
            let mean = |of: fn(&PairedGene) -> f64| {
                train.iter().map(|&g| of(&self.pair.genes[g])).sum::<f64>() / train.len() as f64
            };
            let label = match self.task {
                Task::Regression => mean(|g| g.log2_fold_change),
                Task::Classification => log_odds(mean(|g| f64::from(g.log2_fold_change > 0.0))),
            };
            let cells = match self.network {
                NetworkConfig::DeepDiff(config) if config.auxiliary == Auxiliary::Regression => {
                    Some([mean(|g| g.log2_expression_a), mean(|g| g.log2_expression_b)])
                }
                _ => None,
            };
            network = network.with_head_biases(label, cells);
        }
        match weights {
            Some(weights) => weights.put_into(network),
            None => Ok(network),
        }
    }

    fn heads_start_at_mean(&self) -> bool {
        match self.network {
            NetworkConfig::DeepDiff(config) => config.heads_start_at_mean,
            NetworkConfig::DeepChrome(config) => config.heads_start_at_mean,
            NetworkConfig::Epidelta(_) => false,
        }
    }

    /// One pass over the training genes in the given order, or what is left of it.
    pub fn epoch(
        &self,
        mut network: Network,
        state: &mut State,
        stopwatch: &mut Stopwatch,
        order: &[usize],
        keeper: &mut Keeper<'_>,
        report: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<Network> {
        let epoch = state.epoch();
        let batch_size = self.training.batch_size;
        let batches = order.len().div_ceil(batch_size);
        let first_step = ((epoch - 1) * batches) as u64;
        let made = state.pass.predicted.len().div_ceil(batch_size);
        let mut chunks = (first_step..).zip(order.chunks(batch_size)).skip(made);
        let mut gather_next = || {
            let (step, genes) = chunks.next()?;
            let mut batch = Batch::gather(self.pair, genes);
            let (marks, cell_types) = (self.training.hidden_marks, self.training.hidden_cell_types);
            if marks > 0.0 || cell_types > 0.0 {
                let mut generator = generator(self.seed, Purpose::Hidden, step);
                batch.hide_marks(marks, &mut generator);
                batch.hide_cell_types(cell_types, &mut generator);
            }
            Some(batch)
        };
        let mut next = gather_next();
        let mut index = made;
        while let Some(batch) = next.take() {
            let step = first_step + index as u64;
            let optimizer = &mut state.optimizer;
            // An idle thread gathers the next batch beside the step.
            let stepped = rayon::in_place_scope(|scope| {
                scope.spawn(|_| next = gather_next());
                self.step(network, optimizer, stopwatch, &batch, step)
            });
            index += 1;
            let trained;
            (network, trained) = stepped.map_err(|NotFinite(quantity)| {
                self.not_finite_in(quantity, epoch, index, batch.genes[0])
            })?;
            let pass = &mut state.pass;
            pass.loss_sum += f64::from(trained.loss) * batch.len() as f64;
            pass.gradient_norm = pass.gradient_norm.max(trained.gradient_norm);
            pass.predicted.extend(trained.predicted);
            report(Progress::Batch {
                epoch,
                genes: pass.predicted.len(),
            });
            keeper.after_batch(&network, state, stopwatch)?;
        }
        Ok(network)
    }

    /// What is told of a pass and of the validation genes after it.
    pub fn record(
        &self,
        pass: Pass,
        order: &[usize],
        epoch: usize,
        valid_loss: f64,
        valid_pearson_r: Option<f64>,
    ) -> EpochRecord {
        let label = |&gene: &usize| self.pair.genes[gene].log2_fold_change;
        let observed: Vec<f64> = order.iter().map(label).collect();
        let predicted: Vec<f64> = pass.predicted.into_iter().map(f64::from).collect();
        EpochRecord {
            epoch,
            train_loss: pass.loss_sum / order.len() as f64,
            valid_loss,
            train_pearson_r: pearson_r(&observed, &predicted),
            valid_pearson_r,
            gradient_norm: pass.gradient_norm,
        }
    }

    /// One step on a batch. `index` counts steps over all epochs.
    fn step(
        &self,
        network: Network,
        optimizer: &mut Optimizer,
        stopwatch: &mut Stopwatch,
        batch: &Batch,
        index: u64,
    ) -> std::result::Result<(Network, TrainedBatch), NotFinite> {
        let mut dropout = generator(self.seed, Purpose::Dropout, index);
        let output = stopwatch.time(
            |profile| &mut profile.forward,
            || {
                let signal = SignalTensors::of(batch, &self.device);
                network.forward_training(signal, &mut dropout)
            },
        );
        let (total, loss) = stopwatch.time(
            |profile| &mut profile.losses,
            || {
                let total = network.loss(&output, batch, self.thresholds, self.task);
                let loss: f32 = total.clone().into_scalar();
                (total, loss)
            },
        );
        if !loss.is_finite() {
            return Err(self.cause(batch, &output));
        }
        let (network, gradient_norm) = match network {
            Network::DeepDiff(config, model) => {
                let (model, norm) = descend(model, &total, optimizer, stopwatch)?;
                (Network::DeepDiff(config, model), norm)
            }
            Network::DeepChrome(config, model) => {
                let (model, norm) = descend(model, &total, optimizer, stopwatch)?;
                (Network::DeepChrome(config, model), norm)
            }
            Network::Epidelta(model) => {
                let (layers, norm) = descend(model.layers, &total, optimizer, stopwatch)?;
                (Network::Epidelta(Epidelta { layers, ..model }), norm)
            }
        };
        let trained = TrainedBatch {
            loss,
            gradient_norm,
            predicted: values(output.log2_fold_change),
        };
        Ok((network, trained))
    }

    /// What is not finite where the loss is not: the first on the way to it.
    fn cause(&self, batch: &Batch, output: &Output) -> NotFinite {
        let marks = self.pair.marks();
        let of_mark = batch.bins * batch.len();
        for (signal, cell) in [(&batch.signal_a, "A"), (&batch.signal_b, "B")] {
            if let Some(at) = signal.iter().position(|x| !x.is_finite()) {
                let mark = &marks[at / of_mark];
                return NotFinite(format!("the signal of {mark} in cell type {cell}"));
            }
        }
        if batch.log2_fold_change.iter().any(|x| !x.is_finite()) {
            return NotFinite("a label".into());
        }
        let is_finite = |tensor: &Tensor<1>| values(tensor.clone()).iter().all(|x| x.is_finite());
        if !is_finite(&output.log2_fold_change) {
            return NotFinite("the predicted log2 fold change".into());
        }
        let cells = output.cells.iter().flatten();
        match cells.into_iter().all(is_finite) {
            true => NotFinite("the loss".into()),
            false => NotFinite("the predicted expression of a cell type".into()),
        }
    }

    /// The error for something that is not finite in a batch, counted from 1.
    fn not_finite_in(&self, quantity: String, epoch: usize, batch: usize, gene: usize) -> Error {
        let gene = self.pair.gene_id(gene);
        let place = format!("in epoch {epoch}, batch {batch} (first gene {gene})");
        self.not_finite(quantity, place)
    }

    /// The error for something that is not finite.
    pub fn not_finite(&self, quantity: String, place: String) -> Error {
        let rate = self.training.learning_rate;
        Error::NotFinite {
            quantity,
            place,
            remedy: format!(
                "The learning rate ({rate:e}) may be too high for these data, or some signal \
                 extremely large: try --set training.learning_rate={:e} or another \
                 --set input.transform",
                (rate / 10.0) as f32
            ),
        }
    }
}

/// Moves a model's weights against the gradients of a loss.
fn descend<M: Module>(
    model: M,
    loss: &Tensor<1>,
    optimizer: &mut Optimizer,
    stopwatch: &mut Stopwatch,
) -> std::result::Result<(M, f64), NotFinite> {
    let gradients = stopwatch.time(|profile| &mut profile.backward, || gradients(loss, &model));
    stopwatch.time(
        |profile| &mut profile.optimizer,
        || optimizer.step(model, gradients),
    )
}

/// The logit of a share, kept finite where all or none are.
fn log_odds(share: f64) -> f64 {
    let share = share.clamp(1e-3, 1.0 - 1e-3);
    (share / (1.0 - share)).ln()
}
