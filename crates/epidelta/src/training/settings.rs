//! Every setting that shapes a training's numbers, as one plain structure; saved
//! resolved in `run.toml` and overridden by name from the command line.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::preset::Preset;
use crate::{
    dataset::{InputTransform, LabelConfig, SplitConfig},
    error::{Error, Result},
    model::{DeepDiffConfig, Variant},
};

/// What is done to the signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputConfig {
    /// The transform of the signal.
    pub transform: InputTransform,
}

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

/// Every setting of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The label.
    pub label: LabelConfig,
    /// The split.
    pub split: SplitConfig,
    /// The signal.
    pub input: InputConfig,
    /// The model.
    pub model: DeepDiffConfig,
    /// The fit.
    pub training: TrainingConfig,
}

impl Settings {
    /// The settings of a preset.
    pub fn of(variant: Variant, preset: Preset) -> Self {
        preset.settings(variant)
    }

    /// These settings with those of a TOML table in their place. Ranges are left
    /// to [`Settings::check`], since settings may only fit together once all are
    /// changed.
    ///
    /// # Errors
    /// When a setting is unknown or of the wrong type.
    pub fn with_table(self, changes: &Table) -> Result<Self> {
        let mut table = Table::try_from(&self).map_err(|e| unusable("settings", &e.to_string()))?;
        merge(&mut table, changes, "")?;
        let settings: Settings = table
            .try_into()
            .map_err(|e: toml::de::Error| unusable("settings", e.message()))?;
        Ok(settings)
    }

    /// These settings with one changed, as in `training.learning_rate=1e-3`.
    /// Text need not be quoted.
    ///
    /// # Errors
    /// When the assignment has no `=`, or as [`Settings::with_table`].
    pub fn with_assignment(self, assignment: &str) -> Result<Self> {
        let Some((name, value)) = assignment.split_once('=') else {
            return Err(Error::setting(
                assignment,
                "there is no value",
                "Write it as name=value, for example training.learning_rate=1e-3",
            ));
        };
        let (name, value) = (name.trim(), value.trim());
        if name.split('.').any(str::is_empty) {
            return Err(Error::setting(
                name,
                "it is not a setting's name",
                "Write it as name=value, for example training.learning_rate=1e-3",
            ));
        }
        let value = format!("v = {value}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("v"))
            .unwrap_or_else(|| Value::String(value.to_owned()));
        let nested = name.rsplit('.').fold(value, |inner, part| {
            Value::Table(Table::from_iter([(part.to_owned(), inner)]))
        });
        match nested {
            Value::Table(table) => self.with_table(&table),
            _ => Err(Error::setting(name, "there is no name", "Write name=value")),
        }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and its range.
    pub fn check(&self) -> Result<()> {
        self.model.check()?;
        self.split.check()?;
        let wrong = |name: &str, problem: String, remedy: &str| {
            Err(Error::setting(format!("training.{name}"), problem, remedy))
        };
        let training = &self.training;
        if training.batch_size == 0 {
            return wrong("batch_size", "it is 0".into(), "Give 1 or more");
        }
        if training.epochs == 0 {
            return wrong("epochs", "it is 0".into(), "Give 1 or more");
        }
        for (name, value) in [
            ("learning_rate", training.learning_rate),
            ("max_gradient_norm", training.max_gradient_norm),
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

fn unusable(setting: &str, problem: &str) -> Error {
    Error::setting(
        setting,
        problem.lines().next().unwrap_or_default(),
        "The settings and their types are those of any run.toml",
    )
}

/// Writes `changes` over `table`; every name must be there already.
fn merge(table: &mut Table, changes: &Table, prefix: &str) -> Result<()> {
    for (name, change) in changes {
        let path = format!("{prefix}{name}");
        let known = table.keys().cloned().collect::<Vec<_>>().join(", ");
        match (table.get_mut(name), change) {
            (None, _) => {
                return Err(Error::setting(
                    path,
                    "there is no such setting",
                    format!("Those that there are here: {known}"),
                ));
            }
            (Some(Value::Table(inner)), Value::Table(change)) => {
                merge(inner, change, &format!("{path}."))?;
            }
            (Some(Value::Table(_)), _) => {
                return Err(Error::setting(
                    path,
                    "it is a section, not a value",
                    "Name a setting in it, as in training.learning_rate=1e-3",
                ));
            }
            (Some(place), change) => {
                *place = match (&*place, change) {
                    // "1" is as good as "1.0" for a number with a fraction.
                    (Value::Float(_), Value::Integer(whole)) => Value::Float(*whole as f64),
                    (Value::Integer(_), Value::Integer(whole)) if *whole < 0 => {
                        return Err(Error::setting(
                            path,
                            format!("{whole} is negative"),
                            "Give 0 or a positive number",
                        ));
                    }
                    (old, new) if old.same_type(new) => new.clone(),
                    (old, new) => {
                        return Err(Error::setting(
                            path,
                            format!("{new} is of type {}", new.type_str()),
                            format!("Give one of type {}, such as {old}", old.type_str()),
                        ));
                    }
                };
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::of(Variant::Raw, Preset::Reference)
    }

    #[test]
    fn assignments_change_one_setting() {
        let changed = settings()
            .with_assignment("training.learning_rate=1e-3")
            .and_then(|s| s.with_assignment("model.auxiliary = classification"))
            .and_then(|s| s.with_assignment("label.pseudocount=2"))
            .unwrap();
        assert_eq!(changed.training.learning_rate, 1e-3);
        assert_eq!(
            changed.model.auxiliary,
            crate::model::Auxiliary::Classification
        );
        assert_eq!(changed.label.pseudocount, 2.0);
        assert_eq!(changed.training.batch_size, settings().training.batch_size);
    }

    #[test]
    fn wrong_assignments_name_the_setting() {
        for (assignment, part) in [
            ("training.rate=1", "training.rate: there is no such setting"),
            ("training=1", "training: it is a section"),
            ("training.epochs=many", "training.epochs"),
            ("training.epochs=0", "training.epochs: it is 0"),
            ("training.patience=-1", "training.patience: -1 is negative"),
            ("training.learning_rate=nan", "training.learning_rate: NaN"),
            ("model.dropout=1.5", "model.dropout: 1.5"),
            ("model.auxiliary=perhaps", "unknown variant `perhaps`"),
            ("epochs", "there is no value"),
        ] {
            let changed = settings().with_assignment(assignment);
            let message = changed.and_then(|s| s.check()).unwrap_err().to_string();
            assert!(message.contains(part), "{assignment}: {message}");
        }
    }
}
