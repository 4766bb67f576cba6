//! In what two runs differ.

use std::collections::{BTreeMap, BTreeSet};

use toml::Value;

use super::RunDescription;

impl RunDescription {
    /// In what a run differs from another, as far as that shapes its numbers: `name: value
    /// there, value here`. Where the files lie does not.
    pub(super) fn differences(&self, there: &Self) -> Vec<String> {
        let [here, there] = [self, there].map(|of| {
            let mut values = BTreeMap::new();
            if let Ok(value) = Value::try_from(of) {
                flatten(String::new(), &value, &mut values);
            }
            values
        });
        let names: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
        let of = |values: &BTreeMap<String, String>, name: &String| {
            values.get(name).map_or("none".to_owned(), String::clone)
        };
        names
            .into_iter()
            .filter(|name| here.get(*name) != there.get(*name))
            .map(|name| {
                format!(
                    "{name}: {} there, {} here",
                    of(&there, name),
                    of(&here, name)
                )
            })
            .collect()
    }
}

/// The single values of a description under dotted names, without what a training makes and
/// where files lie.
fn flatten(name: String, value: &Value, values: &mut BTreeMap<String, String>) {
    const MADE: [&str; 4] = [
        "weights_sha256",
        "predictions_sha256",
        "history_sha256",
        "median_log2_expression",
    ];
    if MADE.contains(&name.as_str()) || name.ends_with(".path") {
        return;
    }
    let part = |inner: &dyn std::fmt::Display| match name.is_empty() {
        true => inner.to_string(),
        false => format!("{name}.{inner}"),
    };
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                flatten(part(key), value, values);
            }
        }
        Value::Array(all) if all.iter().any(Value::is_table) => {
            for (index, value) in all.iter().enumerate() {
                flatten(part(&(index + 1)), value, values);
            }
        }
        value => {
            values.insert(name, value.to_string());
        }
    }
}
