//! Predictions of a model for genes of a pair.

use crate::{
    dataset::{Batch, Pair},
    evaluation::{CellPrediction, GenePrediction},
    model::{
        Auxiliary, DeepDiff, DeepDiffConfig, ExpressionThresholds, Losses, Output, SignalTensors,
        losses, values,
    },
};

/// Genes predicted at once. Fixed, so that predictions never depend on how many
/// genes were asked for.
const BATCH: usize = 128;

/// Predicts genes of a pair (its signal transformed as in training).
pub fn predict(
    model: &DeepDiff,
    config: &DeepDiffConfig,
    thresholds: ExpressionThresholds,
    pair: &Pair,
    genes: &[usize],
) -> Vec<GenePrediction> {
    predict_with_loss(model, config, thresholds, pair, genes).0
}

/// Predictions and the mean total loss.
pub(super) fn predict_with_loss(
    model: &DeepDiff,
    config: &DeepDiffConfig,
    thresholds: ExpressionThresholds,
    pair: &Pair,
    genes: &[usize],
) -> (Vec<GenePrediction>, f64) {
    let device = model.head.weight.val().device();
    let mut predictions = Vec::with_capacity(genes.len());
    let mut loss_sum = 0.0;
    for chunk in genes.chunks(BATCH) {
        let batch = Batch::gather(pair, chunk);
        let signal = SignalTensors::of(&batch, &device);
        let output = model.predict(config, signal);
        let Losses { total, .. } = losses(&output, &batch, config, thresholds);
        loss_sum += f64::from(total.into_scalar::<f32>()) * chunk.len() as f64;
        predictions.extend(of_batch(output, &batch, config, thresholds, pair));
    }
    (predictions, loss_sum / genes.len().max(1) as f64)
}

fn of_batch(
    output: Output,
    batch: &Batch,
    config: &DeepDiffConfig,
    thresholds: ExpressionThresholds,
    pair: &Pair,
) -> Vec<GenePrediction> {
    let predicted = values(output.log2_fold_change);
    let cells = output.cells.map(|cells| cells.map(values));
    let with_cell = |observed: f64, predicted: f32, threshold: f64| match config.auxiliary {
        Auxiliary::Classification => CellPrediction::AboveMedian {
            observed: observed > threshold,
            probability: 1.0 / (1.0 + (-predicted).exp()),
        },
        Auxiliary::Regression | Auxiliary::None => CellPrediction::Expression {
            observed,
            predicted,
        },
    };
    batch
        .genes
        .iter()
        .enumerate()
        .map(|(i, &index)| {
            let gene = &pair.genes[index];
            GenePrediction {
                gene_id: pair.gene_id(index).to_owned(),
                split: gene.split,
                observed: gene.log2_fold_change,
                predicted: predicted[i],
                cells: cells.as_ref().map(|[a, b]| {
                    [
                        with_cell(gene.log2_expression_a, a[i], thresholds.a),
                        with_cell(gene.log2_expression_b, b[i], thresholds.b),
                    ]
                }),
            }
        })
        .collect()
}
