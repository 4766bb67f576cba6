//! Named sets of settings.
//!
//! | setting | `reference` (the published code) | `paper` (its equations) | `tuned` |
//! |---|---|---|---|
//! | label | log2((B+1)/(A+1)) | log2((A+1)/(B+1)) | the same, of as many reads in A as in B |
//! | signal | read counts as they are | read counts as they are | ln(1 + x) |
//!
//! and of DeepDiff's variants:
//!
//! | setting | `reference` | `paper` | `tuned` |
//! |---|---|---|---|
//! | bins per step | 1 | 1 | 10; 5 in raw-d, aux and aux-siamese |
//! | contrastive loss | (1-S) R^2 + S max(0, 2-R)^2, times 4 | eq. 7: ((1-S) R + S max(0, 2-R)^2) / 2 | as reference, times 0.02 |
//! | cell-specific losses | times 1 | times 1 | over their targets' variances |
//! | dropout | 0 (the code's 0.5 acts on nothing) | 0.5 after each level | 0.1 after each level |
//! | head biases start | uniform | uniform | at the training targets' means |
//! | batch | 10 | 10 | 16 |
//! | learning rate | 1e-4 | 1e-4 | up to 4e-3, falls along a cosine |
//! | weight decay | 0 | 0 | 0.1 |
//! | what predicts | the weights | the weights | their means over a tenth of the steps |
//! | epochs | 90, the best by validation r kept | the same | 12, more for few genes |
//!
//! What each choice of `tuned` is worth: docs/accuracy.md.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    Method,
    settings::{
        AttentiveChromeConfig, BoostingSettings, ForestSettings, LinearSettings, MethodConfig,
        NetworkSettings, Settings, SvrSettings,
    },
};
use crate::{
    baseline::{
        BoostingConfig, EVERY_BIN, FeatureConfig, ForestConfig, LinearConfig, ReliefConfig,
        SvrConfig,
    },
    dataset::{
        BinOrder, InputConfig, InputTransform, LabelConfig, LabelDirection, Normalization,
        SplitConfig, Task,
    },
    model::{
        Auxiliary, Channel, ContrastiveForm, DeepChromeConfig, DeepDiffConfig, EpideltaConfig,
        Variant,
    },
    training::{Schedule, TrainingConfig},
};

const ALL_CHANNELS: [Channel; 3] = [Channel::A, Channel::B, Channel::Difference];

/// A named set of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// What was measured to be best on the validation genes of real data, for `epidelta` and
    /// DeepDiff's variants; of the other methods what trains well at first sight.
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

    /// The settings of a method under this preset.
    pub fn settings(self, method: Method) -> Settings {
        let transform = match self {
            Preset::Tuned => InputTransform::Log1p,
            Preset::Paper | Preset::Reference => InputTransform::None,
        };
        Settings {
            label: LabelConfig {
                direction: match self {
                    Preset::Reference => LabelDirection::BOverA,
                    Preset::Paper | Preset::Tuned => LabelDirection::AOverB,
                },
                normalization: match self {
                    Preset::Tuned => Normalization::LibrarySize,
                    Preset::Reference | Preset::Paper => Normalization::None,
                },
                task: match method.does(Task::Regression) {
                    true => Task::Regression,
                    false => Task::Classification,
                },
                ..LabelConfig::default()
            },
            split: SplitConfig::default(),
            input: InputConfig {
                transform,
                order: BinOrder::File,
            },
            method: self.of_method(method),
        }
    }

    fn of_method(self, method: Method) -> MethodConfig {
        let linear = |linear: LinearConfig| LinearSettings {
            features: FeatureConfig {
                channels: ALL_CHANNELS.to_vec(),
                windows: vec![1, 5, 10, 20],
            },
            linear,
        };
        match method {
            Method::DeepDiff(variant) => MethodConfig::DeepDiff(NetworkSettings {
                model: self.deepdiff(variant),
                training: match self {
                    Preset::Tuned => Self::quick_training(),
                    Preset::Reference | Preset::Paper => self.training(),
                },
            }),
            Method::Epidelta => MethodConfig::Epidelta(NetworkSettings {
                model: EpideltaConfig {
                    bins_per_step: 10,
                    joint_encoder: true,
                    hidden_bins: 32,
                    hidden_marks: 16,
                    hidden_head: 64,
                    windows: vec![1],
                    head_windows: 10,
                    cell_types: true,
                    auxiliary_weight: 0.1,
                    dropout: 0.5,
                    dropout_head: 0.3,
                },
                training: TrainingConfig {
                    learning_rate: 2e-3,
                    weight_decay: 0.3,
                    ..Self::quick_training()
                },
            }),
            Method::AttentiveChrome => MethodConfig::AttentiveChrome(NetworkSettings {
                model: self.attentive_chrome(),
                training: self.training(),
            }),
            Method::DeepChrome | Method::DeepChromeRaw => {
                MethodConfig::DeepChrome(NetworkSettings {
                    model: self.deep_chrome(method),
                    training: self.training(),
                })
            }
            Method::Svr => MethodConfig::Svr(SvrSettings { svr: self.svr() }),
            Method::TwoLayerSvr => MethodConfig::TwoLayerSvr(SvrSettings { svr: self.svr() }),
            Method::ReliefForest => MethodConfig::ReliefForest(ForestSettings {
                features: FeatureConfig {
                    channels: vec![Channel::Difference],
                    windows: vec![EVERY_BIN],
                },
                relieff: ReliefConfig::default(),
                forest: ForestConfig::default(),
            }),
            Method::Ridge => MethodConfig::Ridge(linear(LinearConfig::ridge())),
            Method::Lasso => MethodConfig::Lasso(linear(LinearConfig::lasso())),
            Method::Logistic => MethodConfig::Logistic(linear(LinearConfig::logistic())),
            Method::Boosting => MethodConfig::Boosting(BoostingSettings {
                features: FeatureConfig {
                    channels: ALL_CHANNELS.to_vec(),
                    windows: vec![20],
                },
                boosting: BoostingConfig::default(),
            }),
        }
    }

    fn training(self) -> TrainingConfig {
        let reference = TrainingConfig {
            batch_size: 10,
            epochs: 90,
            patience: 0,
            smoothing: 1,
            learning_rate: 1e-4,
            schedule: Schedule::Constant,
            weight_decay: 0.0,
            averaged_share: 0.0,
            max_gradient_norm: 1.0,
            hidden_marks: 0.0,
            hidden_cell_types: 0.0,
            freeze_encoders: false,
            ensemble: 1,
        };
        match self {
            Preset::Reference | Preset::Paper => reference,
            Preset::Tuned => TrainingConfig {
                epochs: 60,
                patience: 15,
                learning_rate: 1e-3,
                ..reference
            },
        }
    }

    /// Few epochs of large steps, which get smaller, and averaged weights.
    fn quick_training() -> TrainingConfig {
        TrainingConfig {
            batch_size: 16,
            epochs: 0,
            patience: 0,
            learning_rate: 4e-3,
            schedule: Schedule::Cosine,
            weight_decay: 0.1,
            averaged_share: 0.1,
            ..Preset::Reference.training()
        }
    }

    fn deepdiff(self, variant: Variant) -> DeepDiffConfig {
        let contrastive_weight = match (variant.is_siamese(), self) {
            (false, _) => 0.0,
            (true, Preset::Reference) => 4.0,
            (true, Preset::Paper) => 1.0,
            (true, Preset::Tuned) => 0.02,
        };
        let tuned = self == Preset::Tuned;
        DeepDiffConfig {
            channels: variant.channels(),
            auxiliary: if variant.has_auxiliary() {
                Auxiliary::Regression
            } else {
                Auxiliary::None
            },
            shared_encoders: variant.is_siamese(),
            contrastive_weight,
            contrastive_margin: 2.0,
            contrastive_form: match self {
                Preset::Paper => ContrastiveForm::Linear,
                Preset::Reference | Preset::Tuned => ContrastiveForm::Squared,
            },
            similar_below: 2.0,
            auxiliary_weight: 1.0,
            auxiliary_relative: tuned,
            // As measured on validation genes, variant by variant.
            bins_per_step: match (self, variant.channels().contains(&Channel::A)) {
                (Preset::Tuned, true) => 10,
                (Preset::Tuned, false) => 5,
                (Preset::Reference | Preset::Paper, _) => 1,
            },
            hidden_bins: 32,
            hidden_marks: 16,
            hidden_head: 32,
            dropout: self.dropout(),
            initial_bound: 0.1,
            heads_start_at_mean: self == Preset::Tuned,
        }
    }

    /// The published code of AttentiveChrome has the sizes that DeepDiff's took over.
    /// Dropout made it worse on the validation genes of the published sample.
    fn attentive_chrome(self) -> AttentiveChromeConfig {
        AttentiveChromeConfig {
            cell_task: Task::Regression,
            bins_per_step: 1,
            hidden_bins: 32,
            hidden_marks: 16,
            dropout: match self {
                Preset::Paper => 0.5,
                Preset::Reference | Preset::Tuned => 0.0,
            },
            initial_bound: 0.1,
            heads_start_at_mean: self == Preset::Tuned,
        }
    }

    /// The published code's numbers (QData/DeepChrome).
    fn deep_chrome(self, method: Method) -> DeepChromeConfig {
        DeepChromeConfig {
            channels: match method {
                Method::DeepChromeRaw => ALL_CHANNELS.to_vec(),
                _ => Vec::new(),
            },
            cell_task: Task::Regression,
            filters: 50,
            filter_width: 10,
            pool: 5,
            hidden: [625, 125],
            dropout: 0.5,
            heads_start_at_mean: self == Preset::Tuned,
        }
    }

    /// The paper's machines see the difference; A and B are more.
    fn svr(self) -> SvrConfig {
        SvrConfig {
            channels: match self {
                Preset::Tuned => vec![Channel::A, Channel::B],
                Preset::Paper | Preset::Reference => vec![Channel::Difference],
            },
            ..SvrConfig::default()
        }
    }

    /// The published code's dropout of 0.5 acts on nothing.
    fn dropout(self) -> f64 {
        match self {
            Preset::Reference => 0.0,
            Preset::Paper => 0.5,
            Preset::Tuned => 0.1,
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
