//! The losses of a DeepDiff: squared error of the fold change, the cell-specific
//! tasks, and the contrastive loss.

use burn::tensor::{Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};

use super::{
    config::{Auxiliary, ContrastiveForm, DeepDiffConfig},
    deepdiff::Output,
    epidelta::Epidelta,
};
use crate::dataset::{Batch, Task};

/// Added to every component of the embeddings' difference, as PyTorch's
/// `pairwise_distance` does, so that the distance has a gradient at zero.
const DISTANCE_EPSILON: f64 = 1e-6;

/// Medians of log2 expression among the training genes, the boundary between
/// low and high for the classification tasks.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ExpressionThresholds {
    /// In cell type A.
    pub a: f64,
    /// In cell type B.
    pub b: f64,
}

/// Every term of the loss, each a tensor of one number, the mean over the batch.
#[derive(Debug, Clone)]
pub struct Losses {
    /// Squared error of the log2 fold change, or cross-entropy of up versus down.
    pub difference: Tensor<1>,
    /// The cell-specific losses of A and B, not yet weighted.
    pub auxiliary: Option<[Tensor<1>; 2]>,
    /// The contrastive loss, not yet weighted.
    pub contrastive: Option<Tensor<1>>,
    /// The weighted sum that is minimised.
    pub total: Tensor<1>,
}

/// Computes every term for a batch.
pub fn losses(
    output: &Output,
    batch: &Batch,
    config: &DeepDiffConfig,
    thresholds: ExpressionThresholds,
    task: Task,
) -> Losses {
    let like = &output.log2_fold_change;
    let difference = task_loss(like.clone(), &batch.log2_fold_change, task);
    let mut total = difference.clone();

    let auxiliary = output.cells.clone().map(|[a, b]| {
        let (in_a, in_b) = (&batch.log2_expression_a, &batch.log2_expression_b);
        match config.auxiliary {
            Auxiliary::Classification => [
                cross_entropy(a, above(in_a, thresholds.a, like)),
                cross_entropy(b, above(in_b, thresholds.b, like)),
            ],
            Auxiliary::Regression | Auxiliary::None => [
                squared_error(a, tensor(in_a, like)),
                squared_error(b, tensor(in_b, like)),
            ],
        }
    });
    if let Some([a, b]) = &auxiliary {
        total = total + (a.clone() + b.clone()) * config.auxiliary_weight;
    }

    let contrastive = match &output.embeddings {
        Some([a, b]) if config.contrastive() => {
            let distance = pairwise_distance(a.clone(), b.clone());
            Some(contrastive_loss(distance, batch, config))
        }
        _ => None,
    };
    if let Some(contrastive) = &contrastive {
        total = total + contrastive.clone() * config.contrastive_weight;
    }
    Losses {
        difference,
        auxiliary,
        contrastive,
        total,
    }
}

/// Euclidean distance of each gene's two embeddings, `[batch]`.
pub(super) fn pairwise_distance(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let difference = a - b + DISTANCE_EPSILON;
    difference.square().sum_dim(1).sqrt().squeeze_dim(1)
}

/// The loss of the fold changes alone: their squared error, or the cross-entropy of
/// the outputs as logits of going up.
pub fn task_loss(output: Tensor<1>, log2_fold_change: &[f64], task: Task) -> Tensor<1> {
    match task {
        Task::Regression => {
            let target = tensor(log2_fold_change, &output);
            squared_error(output, target)
        }
        Task::Classification => {
            let target = above(log2_fold_change, 0.0, &output);
            cross_entropy(output, target)
        }
    }
}

/// The loss of an Epidelta: of the fold changes, and the squared errors of log2 expression in
/// A and B with their weight, each over its variance, so that their balance does not depend on
/// units.
pub(super) fn epidelta_loss(
    output: &Output,
    batch: &Batch,
    model: &Epidelta,
    task: Task,
) -> Tensor<1> {
    let label = &output.log2_fold_change;
    let mut loss = task_loss(label.clone(), &batch.log2_fold_change, task);
    if task == Task::Regression {
        loss = loss / model.standard.label.powi(2);
    }
    let weight = model.config.auxiliary_weight;
    if let (Some([a, b]), true) = (output.cells.clone(), weight > 0.0) {
        let of_a = squared_error(a, tensor(&batch.log2_expression_a, label));
        let of_b = squared_error(b, tensor(&batch.log2_expression_b, label));
        let [_, spread] = model.standard.expression;
        loss = loss + (of_a + of_b) * (weight / f64::from(spread).powi(2));
    }
    loss
}

fn contrastive_loss(distance: Tensor<1>, batch: &Batch, config: &DeepDiffConfig) -> Tensor<1> {
    let changes = batch.log2_fold_change.iter();
    let dissimilar = flags(changes.map(|y| y.abs() >= config.similar_below), &distance);
    let similar = dissimilar.clone().neg() + 1.0;
    let apart = (distance.clone().neg() + config.contrastive_margin)
        .clamp_min(0.0)
        .square();
    match config.contrastive_form {
        ContrastiveForm::Squared => (similar * distance.square() + dissimilar * apart).mean(),
        ContrastiveForm::Linear => (similar * distance + dissimilar * apart).mean() * 0.5,
    }
}

fn squared_error(predicted: Tensor<1>, target: Tensor<1>) -> Tensor<1> {
    (predicted - target).square().mean()
}

/// Binary cross-entropy on logits, written so that it cannot overflow.
fn cross_entropy(logits: Tensor<1>, target: Tensor<1>) -> Tensor<1> {
    let log_term = (logits.clone().abs().neg().exp() + 1.0).log();
    (activation::relu(logits.clone()) - logits * target + log_term).mean()
}

fn above(values: &[f64], threshold: f64, like: &Tensor<1>) -> Tensor<1> {
    flags(values.iter().map(|&value| value > threshold), like)
}

/// 1 where true, 0 where false.
fn flags(flags: impl Iterator<Item = bool>, like: &Tensor<1>) -> Tensor<1> {
    let values: Vec<f64> = flags.map(|flag| f64::from(u8::from(flag))).collect();
    tensor(&values, like)
}

fn tensor(values: &[f64], like: &Tensor<1>) -> Tensor<1> {
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), &like.device())
}
