//! Settings changed by name: by a configuration file, on the command line, in a study.

use toml::{Table, Value};

use super::{Method, Settings};
use crate::error::{Error, Result};

impl Settings {
    /// These settings, of this method, with those of a TOML table in their place.
    /// Ranges are left to [`Settings::check`], since settings may only fit together
    /// once all are changed.
    ///
    /// # Errors
    /// When a setting is unknown or of the wrong type.
    pub fn with_table(self, method: impl Into<Method>, changes: &Table) -> Result<Self> {
        let mut table = Table::try_from(&self).map_err(|e| unusable("settings", &e.to_string()))?;
        merge(&mut table, changes, "")?;
        Settings::from_table(method.into(), table).map_err(|e| unusable("settings", e.message()))
    }

    /// These settings with one changed, as in `training.learning_rate=1e-3`.
    /// Text need not be quoted.
    ///
    /// # Errors
    /// When the assignment has no `=`, or as [`Settings::with_table`].
    pub fn with_assignment(self, method: impl Into<Method>, assignment: &str) -> Result<Self> {
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
            Value::Table(table) => self.with_table(method, &table),
            _ => Err(Error::setting(name, "there is no name", "Write name=value")),
        }
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
                    // A choice that has settings of its own in place of one that has none.
                    (Value::String(_), Value::Table(_)) => change.clone(),
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
    use crate::{
        method::{MethodConfig, NetworkSettings, Preset},
        model::{Auxiliary, DeepDiffConfig, Variant},
    };

    const METHOD: Method = Method::DeepDiff(Variant::Raw);

    fn settings() -> Settings {
        Settings::of(METHOD, Preset::Reference)
    }

    fn deepdiff(settings: Settings) -> NetworkSettings<DeepDiffConfig> {
        match settings.method {
            MethodConfig::DeepDiff(settings) => settings,
            other => panic!("{other:?} is no DeepDiff"),
        }
    }

    #[test]
    fn settings_of_every_method_and_preset_read_back_and_are_in_range() {
        for method in Method::all() {
            for preset in Preset::ALL {
                let settings = Settings::of(method, preset);
                settings.check_for(method).unwrap();
                let text = toml::to_string(&settings).unwrap();
                let table: Table = text.parse().unwrap();
                assert_eq!(Settings::from_table(method, table).unwrap(), settings);
            }
        }
    }

    #[test]
    fn assignments_change_one_setting() {
        let changed = settings()
            .with_assignment(METHOD, "training.learning_rate=1e-3")
            .and_then(|s| s.with_assignment(METHOD, "model.auxiliary = classification"))
            .and_then(|s| s.with_assignment(METHOD, "label.pseudocount=2"))
            .unwrap();
        assert_eq!(changed.label.pseudocount, 2.0);
        let (changed, before) = (deepdiff(changed), deepdiff(settings()));
        assert_eq!(changed.training.learning_rate, 1e-3);
        assert_eq!(changed.model.auxiliary, Auxiliary::Classification);
        assert_eq!(changed.training.batch_size, before.training.batch_size);
    }

    #[test]
    fn wrong_assignments_name_the_setting() {
        for (assignment, part) in [
            ("training.rate=1", "training.rate: there is no such setting"),
            ("training=1", "training: it is a section"),
            ("training.epochs=many", "training.epochs"),
            ("training.batch_size=0", "training.batch_size: it is 0"),
            ("training.patience=-1", "training.patience: -1 is negative"),
            ("training.learning_rate=nan", "training.learning_rate: NaN"),
            ("model.dropout=1.5", "model.dropout: 1.5"),
            ("model.auxiliary=perhaps", "unknown variant `perhaps`"),
            ("epochs", "there is no value"),
        ] {
            let changed = settings().with_assignment(METHOD, assignment);
            let message = changed.and_then(|s| s.check()).unwrap_err().to_string();
            assert!(message.contains(part), "{assignment}: {message}");
        }
    }
}
