//! How weights are fitted.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the step size changes over a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It does not.
    #[default]
    Constant,
    /// It rises from 0 over the first twentieth of all steps, then falls to 0 along half
    /// a cosine (Loshchilov and Hutter 2017, without restarts).
    Cosine,
}

impl Schedule {
    /// The part of the steps over which the step size rises.
    const WARM_UP: f64 = 0.05;

    /// What the step size is multiplied by at a step, counted from 0, of so many.
    pub(super) fn factor(self, step: u64, steps: u64) -> f64 {
        let (step, steps) = (step as f64, steps.max(1) as f64);
        let warm_up = (Self::WARM_UP * steps).ceil();
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine if step < warm_up => (step + 1.0) / warm_up,
            Schedule::Cosine => {
                let gone = ((step - warm_up) / (steps - warm_up).max(1.0)).min(1.0);
                0.5 * (1.0 + (PI * gone).cos())
            }
        }
    }
}

/// How weights are fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Genes per optimizer step.
    pub batch_size: usize,
    /// Passes over the training genes at most; 0 for as many as [`Self::epochs_for`] says.
    pub epochs: usize,
    /// Epochs without a better validation score after which training stops;
    /// 0 to never stop early.
    pub patience: usize,
    /// The validation score of an epoch is the mean of its Pearson r and of those of the
    /// epochs before it, so many in all: 1 for its own alone.
    #[serde(default = "one")]
    pub smoothing: usize,
    /// Largest step size of Adam (Kingma and Ba 2015; beta 0.9 and 0.999, epsilon 1e-8).
    pub learning_rate: f64,
    /// How it changes over the training.
    #[serde(default)]
    pub schedule: Schedule,
    /// Weights, biases apart, shrink by this times the step size at every step (AdamW:
    /// Loshchilov and Hutter 2019).
    #[serde(default)]
    pub weight_decay: f64,
    /// What predicts are running means of the weights over this share of the training's steps
    /// (exponential ones: the newest weights count for the inverse of their number); 0 for the
    /// weights themselves.
    #[serde(default)]
    pub averaged_share: f64,
    /// Gradients are scaled down to this L2 norm over all weights.
    pub max_gradient_norm: f64,
    /// Share of the marks, drawn for each gene and step, whose signal is hidden in both cell
    /// types in training, so that the network does without a mark that data lack.
    #[serde(default)]
    pub hidden_marks: f64,
    /// Share of the genes, drawn for each step, whose cell types training hides, so that the
    /// network does for cell types that it was not trained on.
    #[serde(default)]
    pub hidden_cell_types: f64,
    /// Whether the encoders stay as they start, so that the heads alone are fitted to other
    /// data.
    #[serde(default)]
    pub freeze_encoders: bool,
    /// Networks trained from different seeds, whose mean predicts and whose standard
    /// deviation tells how sure it is.
    #[serde(default = "one")]
    pub ensemble: usize,
}

/// The default of settings that count.
fn one() -> usize {
    1
}

impl TrainingConfig {
    /// Passes that are enough for many genes, and steps that it takes with few.
    const ENOUGH_EPOCHS: usize = 12;
    const ENOUGH_STEPS: usize = 500;

    /// Passes over so many training genes at most: those of the settings, or where these leave
    /// it open twelve, and more where twelve passes are fewer than 500 steps.
    pub fn epochs_for(&self, train_genes: usize) -> usize {
        let batches = train_genes.div_ceil(self.batch_size).max(1);
        match self.epochs {
            0 => Self::ENOUGH_EPOCHS.max(Self::ENOUGH_STEPS.div_ceil(batches)),
            epochs => epochs,
        }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and its range.
    pub fn check(&self) -> Result<()> {
        let wrong = |name: &str, problem: String, remedy: &str| {
            Err(Error::setting(format!("training.{name}"), problem, remedy))
        };
        for (name, count) in [
            ("batch_size", self.batch_size),
            ("smoothing", self.smoothing),
            ("ensemble", self.ensemble),
        ] {
            if count == 0 {
                return wrong(name, "it is 0".into(), "Give 1 or more");
            }
        }
        for (name, value) in [
            ("learning_rate", self.learning_rate),
            ("max_gradient_norm", self.max_gradient_norm),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return wrong(
                    name,
                    format!("{value} is out of range"),
                    "Give a positive number",
                );
            }
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return wrong(
                "weight_decay",
                format!("{} is out of range", self.weight_decay),
                "Give 0 or a small positive number, such as 0.01",
            );
        }
        for (name, share) in [
            ("hidden_marks", self.hidden_marks),
            ("hidden_cell_types", self.hidden_cell_types),
            ("averaged_share", self.averaged_share),
        ] {
            if !(0.0..1.0).contains(&share) {
                let problem = format!("{share} is out of range");
                return wrong(name, problem, "Give a share from 0 to below 1");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_size_rises_and_falls() {
        let of = |step| Schedule::Cosine.factor(step, 200);
        assert_eq!(of(0), 0.1);
        assert_eq!(of(9), 1.0);
        assert_eq!(of(10), 1.0);
        assert!((of(105) - 0.5).abs() < 1e-12);
        assert!(of(199) < 1e-3);
        assert_eq!(Schedule::Constant.factor(150, 200), 1.0);
        // A single step is made at full size.
        assert_eq!(Schedule::Cosine.factor(0, 1), 1.0);
    }
}
