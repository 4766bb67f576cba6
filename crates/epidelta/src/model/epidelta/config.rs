//! What an Epidelta is made of.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The architecture and losses of an Epidelta.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpideltaConfig {
    /// Bins that level I reads in each of its steps.
    pub bins_per_step: usize,
    /// Whether one more encoder of level I reads all marks at once.
    pub joint_encoder: bool,
    /// Hidden units of level I, per direction.
    pub hidden_bins: usize,
    /// Hidden units of level II, per direction.
    pub hidden_marks: usize,
    /// Hidden units of the head.
    pub hidden_head: usize,
    /// Numbers of windows in which the linear path averages each mark's bins; none for no such
    /// path.
    pub windows: Vec<usize>,
    /// Number of windows in which the head sees each mark's own and other signal averaged,
    /// beside what the encoders say of it: of fewer bins every bin, 0 for none.
    #[serde(default)]
    pub head_windows: usize,
    /// Whether heads have a part of their own for every cell type that trains.
    pub cell_types: bool,
    /// Weight of each cell-specific loss, the squared error of log2 expression.
    pub auxiliary_weight: f64,
    /// Share of what the encoders say that is dropped in training.
    pub dropout: f64,
    /// Share of the head's hidden units that is dropped in training.
    pub dropout_head: f64,
}

impl EpideltaConfig {
    /// Checks that every number is in range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and its range.
    pub fn check(&self) -> Result<()> {
        let wrong = |name: &str, problem: String, remedy: &str| {
            Err(Error::setting(format!("model.{name}"), problem, remedy))
        };
        let sizes = [
            ("bins_per_step", self.bins_per_step, 1000),
            ("hidden_bins", self.hidden_bins, 64),
            ("hidden_marks", self.hidden_marks, 64),
            ("hidden_head", self.hidden_head, 4096),
        ];
        for (name, size, largest) in sizes {
            if !(1..=largest).contains(&size) {
                let remedy = format!("Give 1 to {largest}");
                return wrong(name, format!("{size} is out of range"), &remedy);
            }
        }
        if self.windows.contains(&0) {
            return wrong("windows", "0 windows are none".into(), "Give 1 or more");
        }
        let weight = self.auxiliary_weight;
        if !(weight.is_finite() && weight >= 0.0) {
            return wrong(
                "auxiliary_weight",
                format!("{weight} is out of range"),
                "Give a finite number that is not negative",
            );
        }
        for (name, share) in [
            ("dropout", self.dropout),
            ("dropout_head", self.dropout_head),
        ] {
            if !(0.0..1.0).contains(&share) {
                let problem = format!("{share} is out of range");
                return wrong(name, problem, "Give a share from 0 to below 1");
            }
        }
        Ok(())
    }

    /// Checks that the windows of the linear path have bins.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting.
    pub fn check_bins(&self, bins: usize) -> Result<()> {
        match self.windows.iter().find(|&&windows| windows > bins) {
            None => Ok(()),
            Some(windows) => Err(Error::setting(
                "model.windows",
                format!("{windows} windows are more than the {bins} bins"),
                "Give as many as there are bins at most",
            )),
        }
    }
}
