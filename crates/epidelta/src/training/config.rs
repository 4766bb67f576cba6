//! How weights are fitted.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How weights are fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Genes per optimizer step.
    pub batch_size: usize,
    /// Passes over the training genes at most.
    pub epochs: usize,
    /// Epochs without a better validation Pearson r after which training stops;
    /// 0 to never stop early.
    pub patience: usize,
    /// Step size of Adam (Kingma and Ba 2015; beta 0.9 and 0.999, epsilon 1e-8).
    pub learning_rate: f64,
    /// Gradients are scaled down to this L2 norm over all weights.
    pub max_gradient_norm: f64,
}

impl TrainingConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and its range.
    pub fn check(&self) -> Result<()> {
        let wrong = |name: &str, problem: String, remedy: &str| {
            Err(Error::setting(format!("training.{name}"), problem, remedy))
        };
        if self.batch_size == 0 {
            return wrong("batch_size", "it is 0".into(), "Give 1 or more");
        }
        if self.epochs == 0 {
            return wrong("epochs", "it is 0".into(), "Give 1 or more");
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
        Ok(())
    }
}
