//! Predictions of a network for genes of a pair.

use crate::{
    dataset::{Batch, Pair, PairedGene, Task},
    evaluation::{CellPrediction, GenePrediction},
    model::{Auxiliary, ExpressionThresholds, Network, Output, SignalTensors, values},
};

/// Genes predicted at once. Fixed, so that predictions depend on how many genes were asked for
/// in their last digits at most: of the last genes, in how the tensor library multiplies
/// matrices of fewer rows.
const BATCH: usize = 128;

/// Predicts genes of a pair (its signal transformed as in training).
pub fn predict(
    network: &Network,
    thresholds: ExpressionThresholds,
    pair: &Pair,
    genes: &[usize],
) -> Vec<GenePrediction> {
    batches(network, pair, genes)
        .flat_map(|(batch, output)| of_batch(output, &batch, network, thresholds, pair))
        .collect()
}

/// Predictions and the mean loss.
pub(super) fn predict_with_loss(
    network: &Network,
    thresholds: ExpressionThresholds,
    task: Task,
    pair: &Pair,
    genes: &[usize],
) -> (Vec<GenePrediction>, f64) {
    let mut predictions = Vec::with_capacity(genes.len());
    let mut loss_sum = 0.0;
    for (batch, output) in batches(network, pair, genes) {
        let loss = network.loss(&output, &batch, thresholds, task);
        loss_sum += f64::from(loss.into_scalar::<f32>()) * batch.len() as f64;
        predictions.extend(of_batch(output, &batch, network, thresholds, pair));
    }
    (predictions, loss_sum / genes.len().max(1) as f64)
}

fn batches<'n>(
    network: &'n Network,
    pair: &'n Pair,
    genes: &'n [usize],
) -> impl Iterator<Item = (Batch, Output)> + 'n {
    let device = network.device();
    genes.chunks(BATCH).map(move |chunk| {
        let batch = Batch::gather(pair, chunk);
        let output = network.predict(SignalTensors::of(&batch, &device));
        (batch, output)
    })
}

fn of_batch(
    output: Output,
    batch: &Batch,
    network: &Network,
    thresholds: ExpressionThresholds,
    pair: &Pair,
) -> Vec<GenePrediction> {
    let task = match network {
        Network::DeepDiff(config, _) if config.auxiliary == Auxiliary::Classification => {
            Task::Classification
        }
        _ => Task::Regression,
    };
    let predicted = values(output.log2_fold_change);
    let cells = output.cells.map(|cells| cells.map(values));
    batch
        .genes
        .iter()
        .enumerate()
        .map(|(i, &index)| {
            let gene = &pair.genes[index];
            GenePrediction {
                cells: cells
                    .as_ref()
                    .map(|[a, b]| cell_predictions(gene, [a[i], b[i]], thresholds, task)),
                ..GenePrediction::of(pair, index, predicted[i])
            }
        })
        .collect()
}

/// What outputs of networks say of a gene in A and in B: its log2 expression, or as
/// logits the probability that it is above the medians.
pub(crate) fn cell_predictions(
    gene: &PairedGene,
    [a, b]: [f32; 2],
    thresholds: ExpressionThresholds,
    task: Task,
) -> [CellPrediction; 2] {
    let of = |observed: f64, predicted: f32, threshold: f64| match task {
        Task::Regression => CellPrediction::Expression {
            observed,
            predicted,
        },
        Task::Classification => CellPrediction::AboveMedian {
            observed: observed > threshold,
            probability: 1.0 / (1.0 + (-predicted).exp()),
        },
    };
    let [observed_a, observed_b] = gene.log2_expression();
    [
        of(observed_a, a, thresholds.a),
        of(observed_b, b, thresholds.b),
    ]
}
