//! Methods: how the fold changes of a pair are predicted. A method has settings, is
//! fitted, predicts, is saved and loaded; what it is made of, networks or the
//! learners of [`crate::baseline`], is of no concern to who uses it.

mod changes;
mod fit;
mod fitted;
mod preset;
mod settings;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{dataset::Task, model::Variant};

pub use fit::{Fit, Progress, TrainedNetwork, fit};
pub use fitted::FittedMethod;
pub use preset::Preset;
pub use settings::{
    AttentiveChromeConfig, BoostingSettings, ForestSettings, LinearSettings, MethodConfig,
    NetworkSettings, Settings, SvrSettings,
};

/// Every method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Method {
    /// A DeepDiff of one of the paper's variants.
    DeepDiff(Variant),
    /// One recurrent network per cell type, trained alone, whose predictions are
    /// subtracted (Singh et al. 2017).
    AttentiveChrome,
    /// One convolutional network per cell type, whose predictions are subtracted
    /// (Singh et al. 2016).
    DeepChrome,
    /// One convolutional network that sees A, B and their difference.
    DeepChromeRaw,
    /// A support vector machine on the best bin (Cheng and Gerstein 2012).
    Svr,
    /// A support vector machine on the predictions of one for each bin (Cheng et al.
    /// 2011).
    TwoLayerSvr,
    /// ReliefF's choice of features, then a random forest (Li et al. 2015).
    ReliefForest,
    /// Ridge regression.
    Ridge,
    /// Lasso regression.
    Lasso,
    /// Logistic regression of up versus down.
    Logistic,
    /// Gradient boosted trees.
    Boosting,
    /// Recurrent encoders with attention in an antisymmetric network, beside a linear path.
    Epidelta,
}

/// Methods of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// DeepDiff's variants.
    DeepDiff,
    /// Networks that are no DeepDiff.
    OtherNetwork,
    /// Everything else.
    NoNetwork,
}

impl Family {
    /// The family's name in figures.
    pub fn name(self) -> &'static str {
        match self {
            Family::DeepDiff => "DeepDiff variants",
            Family::OtherNetwork => "other networks",
            Family::NoNetwork => "without a network",
        }
    }
}

impl Method {
    /// All methods: Epidelta, DeepDiff's variants, then the networks, then the others.
    pub fn all() -> Vec<Method> {
        let variants = Variant::ALL.map(Method::DeepDiff);
        let others = [
            Method::AttentiveChrome,
            Method::DeepChrome,
            Method::DeepChromeRaw,
            Method::Svr,
            Method::TwoLayerSvr,
            Method::ReliefForest,
            Method::Ridge,
            Method::Lasso,
            Method::Logistic,
            Method::Boosting,
        ];
        let all = [Method::Epidelta].into_iter().chain(variants);
        all.chain(others).collect()
    }

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Method::Epidelta => "epidelta",
            Method::DeepDiff(variant) => variant.name(),
            Method::AttentiveChrome => "attentive-chrome",
            Method::DeepChrome => "deep-chrome",
            Method::DeepChromeRaw => "deep-chrome-raw",
            Method::Svr => "svr",
            Method::TwoLayerSvr => "two-layer-svr",
            Method::ReliefForest => "relieff-forest",
            Method::Ridge => "ridge",
            Method::Lasso => "lasso",
            Method::Logistic => "logistic",
            Method::Boosting => "boosting",
        }
    }

    /// The method's family.
    pub fn family(self) -> Family {
        match self {
            Method::DeepDiff(_) => Family::DeepDiff,
            Method::Epidelta
            | Method::AttentiveChrome
            | Method::DeepChrome
            | Method::DeepChromeRaw => Family::OtherNetwork,
            _ => Family::NoNetwork,
        }
    }

    /// Whether the method does a task.
    pub fn does(self, task: Task) -> bool {
        match self {
            Method::Ridge | Method::Lasso => task == Task::Regression,
            Method::Logistic => task == Task::Classification,
            // Networks of single cell types know nothing of up and down.
            Method::AttentiveChrome | Method::DeepChrome => task == Task::Regression,
            _ => true,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Method::all()
            .into_iter()
            .find(|method| method.name() == text)
            .ok_or_else(|| {
                let names: Vec<&str> = Method::all().into_iter().map(Method::name).collect();
                format!("{text:?} is not a method ({})", names.join(", "))
            })
    }
}

impl TryFrom<String> for Method {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        text.parse()
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.name().into()
    }
}

impl From<Variant> for Method {
    fn from(variant: Variant) -> Self {
        Method::DeepDiff(variant)
    }
}
