//! Every setting that shapes a method's numbers, as one plain structure; saved
//! resolved in `run.toml` and overridden by name from the command line.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use toml::Table;

use super::{Method, Preset};
use crate::{
    baseline::{
        BoostingConfig, FeatureConfig, ForestConfig, LinearConfig, ReliefConfig, SvrConfig,
    },
    dataset::{InputConfig, InputTransform, LabelConfig, Pair, SplitConfig, Task},
    error::{Error, Result},
    model::{
        Auxiliary, Channel, ContrastiveForm, DeepChromeConfig, DeepDiffConfig, EpideltaConfig,
        NetworkConfig,
    },
    training::TrainingConfig,
};

/// A network and its training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSettings<M> {
    /// The model.
    pub model: M,
    /// The fit.
    pub training: TrainingConfig,
}

/// AttentiveChrome: a recurrent network per cell type, of DeepDiff's encoders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttentiveChromeConfig {
    /// What the networks learn: log2 expression, or whether it is above the training
    /// genes' median.
    pub cell_task: Task,
    /// Bins that level I reads in each of its steps.
    #[serde(default = "one")]
    pub bins_per_step: usize,
    /// Hidden units of level I, per direction.
    pub hidden_bins: usize,
    /// Hidden units of level II, per direction.
    pub hidden_marks: usize,
    /// Share of each level's output that is dropped in training.
    pub dropout: f64,
    /// Initial weights are uniform in plus or minus this.
    pub initial_bound: f64,
    /// Whether the head's bias starts at the training targets' mean.
    pub heads_start_at_mean: bool,
}

/// As in the published code.
fn one() -> usize {
    1
}

/// Support vector machines on bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SvrSettings {
    /// The machines.
    pub svr: SvrConfig,
}

/// Linear models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearSettings {
    /// What they see.
    pub features: FeatureConfig,
    /// Their penalties.
    pub linear: LinearConfig,
}

/// ReliefF and a forest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForestSettings {
    /// What there is to choose from.
    pub features: FeatureConfig,
    /// The choice.
    pub relieff: ReliefConfig,
    /// The forest.
    pub forest: ForestConfig,
}

/// Boosted trees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoostingSettings {
    /// What they see.
    pub features: FeatureConfig,
    /// The trees.
    pub boosting: BoostingConfig,
}

/// The settings of a method's own.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum MethodConfig {
    /// DeepDiff's variants.
    DeepDiff(NetworkSettings<DeepDiffConfig>),
    /// `attentive-chrome`.
    AttentiveChrome(NetworkSettings<AttentiveChromeConfig>),
    /// `deep-chrome` and `deep-chrome-raw`.
    DeepChrome(NetworkSettings<DeepChromeConfig>),
    /// `svr`.
    Svr(SvrSettings),
    /// `two-layer-svr`.
    TwoLayerSvr(SvrSettings),
    /// `relieff-forest`.
    ReliefForest(ForestSettings),
    /// `ridge`.
    Ridge(LinearSettings),
    /// `lasso`.
    Lasso(LinearSettings),
    /// `logistic`.
    Logistic(LinearSettings),
    /// `boosting`.
    Boosting(BoostingSettings),
    /// `epidelta`.
    Epidelta(NetworkSettings<EpideltaConfig>),
}

/// The networks that a method is made of.
pub(super) enum Networks {
    /// One that sees both cell types.
    Joint(NetworkConfig),
    /// One for each cell type, trained alone.
    PerCell {
        /// Those of A and B.
        networks: [NetworkConfig; 2],
        /// Whether they learn log2 expression or whether it is above the median.
        task: Task,
    },
}

impl MethodConfig {
    fn from_table(method: Method, table: Table) -> std::result::Result<Self, toml::de::Error> {
        fn of<T: DeserializeOwned>(table: Table) -> std::result::Result<T, toml::de::Error> {
            table.try_into()
        }
        Ok(match method {
            Method::DeepDiff(_) => MethodConfig::DeepDiff(of(table)?),
            Method::AttentiveChrome => MethodConfig::AttentiveChrome(of(table)?),
            Method::DeepChrome | Method::DeepChromeRaw => MethodConfig::DeepChrome(of(table)?),
            Method::Svr => MethodConfig::Svr(of(table)?),
            Method::TwoLayerSvr => MethodConfig::TwoLayerSvr(of(table)?),
            Method::ReliefForest => MethodConfig::ReliefForest(of(table)?),
            Method::Ridge => MethodConfig::Ridge(of(table)?),
            Method::Lasso => MethodConfig::Lasso(of(table)?),
            Method::Logistic => MethodConfig::Logistic(of(table)?),
            Method::Boosting => MethodConfig::Boosting(of(table)?),
            Method::Epidelta => MethodConfig::Epidelta(of(table)?),
        })
    }

    fn check(&self) -> Result<()> {
        match self {
            MethodConfig::DeepDiff(settings) => {
                settings.training.check()?;
                settings.model.check()
            }
            MethodConfig::AttentiveChrome(settings) => {
                settings.training.check()?;
                settings.model.of_cell(Channel::A).check()
            }
            MethodConfig::DeepChrome(settings) => {
                settings.training.check()?;
                settings.model.check()
            }
            MethodConfig::Svr(settings) | MethodConfig::TwoLayerSvr(settings) => {
                settings.svr.check()
            }
            MethodConfig::ReliefForest(settings) => {
                settings.features.check()?;
                settings.relieff.check()?;
                settings.forest.check()
            }
            MethodConfig::Ridge(settings)
            | MethodConfig::Lasso(settings)
            | MethodConfig::Logistic(settings) => {
                settings.features.check()?;
                settings.linear.check()
            }
            MethodConfig::Boosting(settings) => {
                settings.features.check()?;
                settings.boosting.check()
            }
            MethodConfig::Epidelta(settings) => {
                settings.training.check()?;
                settings.model.check()
            }
        }
    }

    /// Checks that data of so many bins are enough.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting.
    pub fn check_bins(&self, bins: usize) -> Result<()> {
        match self {
            MethodConfig::DeepChrome(settings) => settings.model.check_bins(bins),
            MethodConfig::Epidelta(settings) => settings.model.check_bins(bins),
            _ => Ok(()),
        }
    }

    /// The networks that a method is made of, if it is made of any.
    pub(super) fn networks(&self) -> Option<Networks> {
        match self {
            MethodConfig::DeepDiff(settings) => {
                let network = NetworkConfig::DeepDiff(settings.model.clone());
                Some(Networks::Joint(network))
            }
            MethodConfig::AttentiveChrome(settings) => Some(Networks::PerCell {
                networks: [Channel::A, Channel::B]
                    .map(|channel| NetworkConfig::DeepDiff(settings.model.of_cell(channel))),
                task: settings.model.cell_task,
            }),
            MethodConfig::DeepChrome(settings) if settings.model.channels.is_empty() => {
                Some(Networks::PerCell {
                    networks: [Channel::A, Channel::B].map(|channel| {
                        NetworkConfig::DeepChrome(DeepChromeConfig {
                            channels: vec![channel],
                            ..settings.model.clone()
                        })
                    }),
                    task: settings.model.cell_task,
                })
            }
            MethodConfig::DeepChrome(settings) => {
                let network = NetworkConfig::DeepChrome(settings.model.clone());
                Some(Networks::Joint(network))
            }
            MethodConfig::Epidelta(settings) => {
                let network = NetworkConfig::Epidelta(settings.model.clone());
                Some(Networks::Joint(network))
            }
            _ => None,
        }
    }

    /// Whether the method is a network for each cell type.
    pub fn is_per_cell(&self) -> bool {
        matches!(self.networks(), Some(Networks::PerCell { .. }))
    }

    /// The training of a method made of networks.
    pub fn training(&self) -> Option<&TrainingConfig> {
        match self {
            MethodConfig::DeepDiff(settings) => Some(&settings.training),
            MethodConfig::AttentiveChrome(settings) => Some(&settings.training),
            MethodConfig::DeepChrome(settings) => Some(&settings.training),
            MethodConfig::Epidelta(settings) => Some(&settings.training),
            _ => None,
        }
    }
}

impl AttentiveChromeConfig {
    /// The network of one cell type.
    pub(super) fn of_cell(&self, channel: Channel) -> DeepDiffConfig {
        DeepDiffConfig {
            channels: vec![channel],
            auxiliary: Auxiliary::None,
            shared_encoders: false,
            contrastive_weight: 0.0,
            contrastive_margin: 0.0,
            contrastive_form: ContrastiveForm::Squared,
            similar_below: 0.0,
            auxiliary_weight: 0.0,
            auxiliary_relative: false,
            bins_per_step: self.bins_per_step,
            hidden_bins: self.hidden_bins,
            hidden_marks: self.hidden_marks,
            hidden_head: 1,
            dropout: self.dropout,
            initial_bound: self.initial_bound,
            heads_start_at_mean: self.heads_start_at_mean,
        }
    }
}

/// Every setting of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settings {
    /// The label.
    pub label: LabelConfig,
    /// The split.
    pub split: SplitConfig,
    /// The signal.
    pub input: InputConfig,
    /// The method's own.
    #[serde(flatten)]
    pub method: MethodConfig,
}

impl Settings {
    /// The settings of a preset.
    pub fn of(method: impl Into<Method>, preset: Preset) -> Self {
        preset.settings(method.into())
    }

    /// These settings, for a model of so many pairs. Of more than one, epidelta's network learns
    /// to do without knowing the cell types, which costs nothing in those that train, and
    /// without which it is no better than a model of one pair in others (docs/accuracy.md).
    #[must_use]
    pub fn for_pairs(mut self, pairs: usize) -> Self {
        if let (MethodConfig::Epidelta(network), 2..) = (&mut self.method, pairs) {
            network.training.hidden_cell_types = 0.2;
        }
        self
    }

    /// Settings as they were saved. Those of the label and the split that an earlier
    /// version did not have are at their defaults.
    ///
    /// # Errors
    /// When another is missing, or one is unknown or of the wrong type.
    pub fn from_table(
        method: Method,
        mut table: Table,
    ) -> std::result::Result<Self, toml::de::Error> {
        fn section<T: DeserializeOwned>(
            table: &mut Table,
            name: &str,
        ) -> std::result::Result<T, toml::de::Error> {
            let missing = || serde::de::Error::custom(format!("missing section `{name}`"));
            table.remove(name).ok_or_else(missing)?.try_into()
        }
        Ok(Settings {
            label: section(&mut table, "label")?,
            split: section(&mut table, "split")?,
            input: section(&mut table, "input")?,
            method: MethodConfig::from_table(method, table)?,
        })
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and its range.
    pub fn check(&self) -> Result<()> {
        self.label.check()?;
        self.split.check()?;
        self.method.check()
    }

    /// Checks every range, and that the method does the task.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and what to do.
    pub fn check_for(&self, method: Method) -> Result<()> {
        let task = self.label.task;
        if !method.does(task) {
            let able: Vec<&str> = Method::all()
                .into_iter()
                .filter(|method| method.does(task))
                .map(Method::name)
                .collect();
            return Err(Error::setting(
                "label.task",
                format!("{method} does no {task}"),
                format!("Those that do: {}", able.join(", ")),
            ));
        }
        if let MethodConfig::DeepChrome(settings) = &self.method {
            let per_cell = method == Method::DeepChrome;
            if settings.model.channels.is_empty() != per_cell {
                return Err(Error::setting(
                    "model.channels",
                    format!(
                        "{method} has {}",
                        if per_cell {
                            "a network for each cell type, and no channels"
                        } else {
                            "one network, and needs channels"
                        }
                    ),
                    "Choose between the methods deep-chrome and deep-chrome-raw",
                ));
            }
        }
        let members = self.method.training().map_or(1, |of| of.ensemble);
        if self.method.is_per_cell() && members > 1 {
            return Err(Error::setting(
                "training.ensemble",
                format!("{method} is a network for each cell type, and never an ensemble"),
                "Set it to 1, or choose another method",
            ));
        }
        self.check()
    }

    /// Whether bins are transformed before the method sees them; otherwise it
    /// transforms what it makes of them.
    pub fn transforms_bins(&self) -> bool {
        self.method.training().is_some()
    }

    /// The transform of the bins that the method sees.
    pub fn transform_of_bins(&self) -> InputTransform {
        match self.transforms_bins() {
            true => self.input.transform,
            false => InputTransform::None,
        }
    }

    /// A pair with its signal as the method sees it.
    #[must_use]
    pub fn transformed(&self, pair: Pair) -> Pair {
        pair.transformed(self.transform_of_bins())
    }
}
