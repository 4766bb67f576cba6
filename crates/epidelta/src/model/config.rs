//! What a DeepDiff is made of.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::epidelta::Standard;
use crate::error::{Error, Result};

/// A view of the two cell types' signal that the raw part encodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// The signal of cell type A.
    A,
    /// The signal of cell type B.
    B,
    /// A minus B.
    Difference,
}

impl Channel {
    /// Its name in tables and figures.
    pub fn name(self) -> &'static str {
        match self {
            Channel::A => "A",
            Channel::B => "B",
            Channel::Difference => "A-B",
        }
    }
}

/// The cell-specific tasks learned beside the fold change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auxiliary {
    /// No such task.
    None,
    /// Log2 expression in each cell type, squared error.
    Regression,
    /// Whether expression is above the training genes' median, cross-entropy.
    Classification,
}

/// The contrastive loss on the distance R of the two cell types' embeddings;
/// S is 1 for dissimilar genes (large fold change), else 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContrastiveForm {
    /// `(1 - S) R^2 + S max(0, m - R)^2`, as the published code.
    Squared,
    /// `(1 - S) R / 2 + S max(0, m - R)^2 / 2`, as equation 7 of the paper.
    Linear,
}

/// The architecture and losses of a DeepDiff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeepDiffConfig {
    /// Channels of the raw part; empty for none.
    pub channels: Vec<Channel>,
    /// Cell-specific tasks.
    pub auxiliary: Auxiliary,
    /// Whether the two cell types of the auxiliary part share their level-I
    /// encoders ("siamese").
    pub shared_encoders: bool,
    /// Weight of the contrastive loss; 0 for none.
    pub contrastive_weight: f64,
    /// Its margin m.
    pub contrastive_margin: f64,
    /// Its equation.
    pub contrastive_form: ContrastiveForm,
    /// Genes whose |log2 fold change| is below this count as similar.
    pub similar_below: f64,
    /// Weight of each cell-specific loss.
    pub auxiliary_weight: f64,
    /// Whether that weight is of losses over the variances of their targets, so that it means
    /// the same whatever the units; otherwise it is of the losses as they are.
    #[serde(default)]
    pub auxiliary_relative: bool,
    /// Bins that level I reads in each of its steps: 1 as published; more make it as many
    /// times as fast, and see these bins' order at once.
    #[serde(default = "one")]
    pub bins_per_step: usize,
    /// Hidden units of level I, per direction.
    pub hidden_bins: usize,
    /// Hidden units of level II, per direction.
    pub hidden_marks: usize,
    /// Hidden units of the head that joins two cell-specific parts.
    pub hidden_head: usize,
    /// Share of each level's output that is dropped in training.
    pub dropout: f64,
    /// Initial weights are uniform in plus or minus this.
    pub initial_bound: f64,
    /// Whether the heads' biases start at the training targets' means.
    pub heads_start_at_mean: bool,
}

/// As in the published code.
fn one() -> usize {
    1
}

impl DeepDiffConfig {
    /// Whether the contrastive loss is on.
    pub fn contrastive(&self) -> bool {
        self.contrastive_weight > 0.0
    }

    /// The configuration with the weight of its cell-specific losses as they are, for targets of
    /// these scales.
    #[must_use]
    pub fn for_targets(&self, standard: &Standard) -> Self {
        let relative = self.auxiliary_relative && self.auxiliary == Auxiliary::Regression;
        let [_, spread] = standard.expression;
        let ratio = f64::from(standard.label / spread).powi(2);
        DeepDiffConfig {
            auxiliary_weight: self.auxiliary_weight * if relative { ratio } else { 1.0 },
            ..self.clone()
        }
    }

    /// Whether there are cell-specific tasks.
    pub fn has_auxiliary(&self) -> bool {
        self.auxiliary != Auxiliary::None
    }

    /// Checks that the parts fit together and every number is in range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and its range.
    pub fn check(&self) -> Result<()> {
        let wrong = |name: &str, problem: String, remedy: &str| {
            Err(Error::setting(format!("model.{name}"), problem, remedy))
        };
        if self.channels.is_empty() && !self.has_auxiliary() {
            return wrong(
                "channels",
                "there is neither a raw channel nor an auxiliary task".into(),
                "Give channels (a, b, difference) or an auxiliary task",
            );
        }
        for (i, channel) in self.channels.iter().enumerate() {
            if self.channels[..i].contains(channel) {
                return wrong(
                    "channels",
                    format!("{channel:?} stands twice"),
                    "Name each channel once",
                );
            }
        }
        if (self.contrastive() || self.shared_encoders) && !self.has_auxiliary() {
            return wrong(
                "contrastive_weight, shared_encoders",
                "there are no cell-specific encoders to share or compare".into(),
                "Set model.auxiliary to regression or classification",
            );
        }
        let sizes = [
            ("hidden_bins", self.hidden_bins),
            ("hidden_marks", self.hidden_marks),
            ("hidden_head", self.hidden_head),
        ];
        for (name, size) in sizes {
            if !(1..=64).contains(&size) {
                return wrong(name, format!("{size} is out of range"), "Give 1 to 64");
            }
        }
        if !(1..=1000).contains(&self.bins_per_step) {
            let problem = format!("{} is out of range", self.bins_per_step);
            return wrong("bins_per_step", problem, "Give 1 to 1000");
        }
        let numbers = [
            ("contrastive_weight", self.contrastive_weight),
            ("contrastive_margin", self.contrastive_margin),
            ("similar_below", self.similar_below),
            ("auxiliary_weight", self.auxiliary_weight),
            ("initial_bound", self.initial_bound),
        ];
        for (name, number) in numbers {
            if !(number.is_finite() && number >= 0.0) {
                return wrong(
                    name,
                    format!("{number} is out of range"),
                    "Give a finite number that is not negative",
                );
            }
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return wrong(
                "dropout",
                format!("{} is out of range", self.dropout),
                "Give a share from 0 to below 1",
            );
        }
        Ok(())
    }
}

/// The seven variants of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// The difference A - B.
    RawD,
    /// A and B.
    RawC,
    /// A, B and A - B.
    Raw,
    /// Cell-specific tasks, their level-II outputs joined.
    Aux,
    /// `raw` and cell-specific tasks, their level-I outputs joined.
    RawAux,
    /// `aux` with shared level-I encoders and the contrastive loss.
    AuxSiamese,
    /// `raw-aux` with shared level-I encoders and the contrastive loss.
    RawAuxSiamese,
}

impl Variant {
    /// All variants, in the paper's order.
    pub const ALL: [Variant; 7] = [
        Variant::RawD,
        Variant::RawC,
        Variant::Raw,
        Variant::Aux,
        Variant::RawAux,
        Variant::AuxSiamese,
        Variant::RawAuxSiamese,
    ];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Variant::RawD => "raw-d",
            Variant::RawC => "raw-c",
            Variant::Raw => "raw",
            Variant::Aux => "aux",
            Variant::RawAux => "raw-aux",
            Variant::AuxSiamese => "aux-siamese",
            Variant::RawAuxSiamese => "raw-aux-siamese",
        }
    }

    /// The channels of the raw part.
    pub fn channels(self) -> Vec<Channel> {
        match self {
            Variant::RawD => vec![Channel::Difference],
            Variant::RawC => vec![Channel::A, Channel::B],
            Variant::Raw | Variant::RawAux | Variant::RawAuxSiamese => {
                vec![Channel::A, Channel::B, Channel::Difference]
            }
            Variant::Aux | Variant::AuxSiamese => vec![],
        }
    }

    /// Whether the variant has cell-specific tasks.
    pub fn has_auxiliary(self) -> bool {
        !matches!(self, Variant::RawD | Variant::RawC | Variant::Raw)
    }

    /// Whether a configuration has this variant's parts.
    pub fn describes(self, config: &DeepDiffConfig) -> bool {
        config.channels == self.channels()
            && config.has_auxiliary() == self.has_auxiliary()
            && config.shared_encoders == self.is_siamese()
            && config.contrastive() == self.is_siamese()
    }

    /// Whether the variant shares level-I encoders and has the contrastive loss.
    pub fn is_siamese(self) -> bool {
        matches!(self, Variant::AuxSiamese | Variant::RawAuxSiamese)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Variant {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Variant::ALL
            .into_iter()
            .find(|variant| variant.name() == text)
            .ok_or_else(|| {
                let names = Variant::ALL.map(Variant::name).join(", ");
                format!("{text:?} is not a method ({names})")
            })
    }
}
