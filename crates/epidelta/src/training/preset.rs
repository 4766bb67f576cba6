//! Named sets of settings.
//!
//! | setting | `reference` (the published code) | `paper` (its equations) | `tuned` |
//! |---|---|---|---|
//! | label | log2((B+1)/(A+1)) | log2((A+1)/(B+1)) | log2((A+1)/(B+1)) |
//! | signal | read counts as they are | read counts as they are | ln(1 + x) |
//! | contrastive loss | (1-S) R^2 + S max(0, 2-R)^2, times 4 | eq. 7: ((1-S) R + S max(0, 2-R)^2) / 2 | as reference, times 1 |
//! | dropout | 0 (the code's 0.5 acts on nothing) | 0.5 after each level | 0.1 after each level |
//! | head biases start | uniform | uniform | at the training targets' means |
//! | learning rate | 1e-4 | 1e-4 | 1e-3 |
//! | epochs | 90, the best by validation r kept | the same | at most 60, stops after 15 without a better one |

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::settings::{InputConfig, Settings, TrainingConfig};
use crate::{
    dataset::{InputTransform, LabelConfig, LabelDirection, SplitConfig},
    model::{Auxiliary, ContrastiveForm, DeepDiffConfig, Variant},
};

/// A named set of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Settings that train well at first sight (validation genes of the published
    /// sample); no systematic search has been made.
    Tuned,
    /// The equations of the paper.
    Paper,
    /// The numbers of the published code.
    Reference,
}

impl Preset {
    /// All presets, the default first.
    pub const ALL: [Preset; 3] = [Preset::Tuned, Preset::Paper, Preset::Reference];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Tuned => "tuned",
            Preset::Paper => "paper",
            Preset::Reference => "reference",
        }
    }

    /// The settings of a variant under this preset.
    pub fn settings(self, variant: Variant) -> Settings {
        let reference = Settings {
            label: LabelConfig {
                direction: LabelDirection::BOverA,
                pseudocount: 1.0,
            },
            split: SplitConfig::default(),
            input: InputConfig {
                transform: InputTransform::None,
            },
            model: DeepDiffConfig {
                channels: variant.channels(),
                auxiliary: if variant.has_auxiliary() {
                    Auxiliary::Regression
                } else {
                    Auxiliary::None
                },
                shared_encoders: variant.is_siamese(),
                contrastive_weight: if variant.is_siamese() { 4.0 } else { 0.0 },
                contrastive_margin: 2.0,
                contrastive_form: ContrastiveForm::Squared,
                similar_below: 2.0,
                auxiliary_weight: 1.0,
                hidden_bins: 32,
                hidden_marks: 16,
                hidden_head: 32,
                dropout: 0.0,
                initial_bound: 0.1,
                heads_start_at_mean: false,
            },
            training: TrainingConfig {
                batch_size: 10,
                epochs: 90,
                patience: 0,
                learning_rate: 1e-4,
                max_gradient_norm: 1.0,
            },
        };
        match self {
            Preset::Reference => reference,
            Preset::Paper => Settings {
                label: LabelConfig::default(),
                model: DeepDiffConfig {
                    contrastive_weight: if variant.is_siamese() { 1.0 } else { 0.0 },
                    contrastive_form: ContrastiveForm::Linear,
                    dropout: 0.5,
                    ..reference.model
                },
                ..reference
            },
            Preset::Tuned => Settings {
                label: LabelConfig::default(),
                input: InputConfig {
                    transform: InputTransform::Log1p,
                },
                model: DeepDiffConfig {
                    contrastive_weight: if variant.is_siamese() { 1.0 } else { 0.0 },
                    dropout: 0.1,
                    heads_start_at_mean: true,
                    ..reference.model
                },
                training: TrainingConfig {
                    epochs: 60,
                    patience: 15,
                    learning_rate: 1e-3,
                    ..reference.training
                },
                ..reference
            },
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Preset::ALL
            .into_iter()
            .find(|preset| preset.name() == text)
            .ok_or_else(|| format!("{text:?} is not a preset (tuned, paper or reference)"))
    }
}
