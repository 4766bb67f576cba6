//! The files of a run: `run.toml`, `predictions.tsv`, `history.tsv` and `metrics.json`.
//!
//! Checksums are put right before the files are written, so that damage reaches what is behind
//! them.
#![no_main]

use epidelta::{
    evaluation::{Metrics, Predictions},
    method::{FittedMethod, Method},
    provenance::seal::seal,
    run::{Run, RunDescription},
    training::read_histories,
};
use epidelta_fuzz::{choose, file, pair, target, template};

target!(|data| {
    let Some((choice, bytes)) = choose(data) else {
        return;
    };
    let template = template();
    let run = &template.run;
    match choice % 4 {
        0 => description(bytes),
        1 => {
            if let Ok(predictions) = Predictions::read(&file("predictions.tsv", bytes)) {
                let _ = Metrics::of(&predictions, 1, None);
            }
        }
        2 => drop(read_histories(&file("history.tsv", bytes))),
        _ => {
            let mut bytes = bytes.to_vec();
            seal(&mut bytes, br#""sha256": ""#);
            std::fs::write(run.path.join("metrics.json"), bytes).expect("a file");
            let _ = run.written_metrics();
        }
    }
});

/// A run of which `run.toml` is another, with the model of one of three methods.
fn description(bytes: &[u8]) {
    let template = template();
    let path = &template.run.path;
    std::fs::write(path.join("metrics.json"), &template.metrics).expect("a file");
    std::fs::write(path.join("run.toml"), with_checksums(bytes)).expect("a file");
    let Ok(run) = Run::open(path) else {
        return;
    };
    let _ = run.description.label_in_words();
    let _ = run.description.settings.check();
    let _ = run.predictions();
    let _ = run.data();
    let _ = run.weights_for(&["A".to_owned()]);
    if let Ok(model) = run.model() {
        // Only where the run is of data such as the pair.
        let shape = &run.description.head.data;
        if shape.marks.len() == pair().marks().len() && shape.bins == pair().bins() {
            let _ = model.predict(pair(), &[0, 1], &run.description.settings.label);
        }
    }
}

/// A `run.toml` with the checksums that its files have, and its own.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let table = std::str::from_utf8(bytes).ok();
    let Some(mut table) = table.and_then(|text| text.parse::<toml::Table>().ok()) else {
        return bytes.to_vec();
    };
    let template = template();
    let [predictions, network, json, postcard] = &template.sha256;
    let method = table.get("method").and_then(toml::Value::as_str);
    let file = method.and_then(|name| name.parse().ok());
    let file = FittedMethod::file_name(file.unwrap_or(Method::Ridge));
    let at = FittedMethod::FILES.iter().position(|&name| name == file);
    let model = [network, json, postcard][at.expect("a known file")];
    for (name, checksum) in [
        ("predictions_sha256", predictions),
        ("weights_sha256", model),
    ] {
        table.insert(name.into(), checksum.clone().into());
    }
    if let Some(history) = &template.run.description.head.history_sha256 {
        table.insert("history_sha256".into(), history.clone().into());
    }
    RunDescription::sealed(&table.to_string())
}
