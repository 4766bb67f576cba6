//! The files of a run: `run.toml`, `predictions.tsv`, `history.tsv` and `metrics.json`.
//!
//! Checksums in `run.toml` are put right after it is read, so that damage reaches what is
//! behind them. Should it come to hold a checksum of its own text, put that right here before
//! the file is written.
#![no_main]

use epidelta::{
    evaluation::{Metrics, Predictions},
    method::FittedMethod,
    run::Run,
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
            std::fs::write(run.path.join("metrics.json"), bytes).expect("a file");
            let _ = run.written_metrics();
        }
    }
});

/// A run of which `run.toml` is another, with the model of one of three methods.
fn description(bytes: &[u8]) {
    let template = template();
    let path = &template.run.path;
    std::fs::write(path.join("run.toml"), bytes).expect("a file");
    let Ok(mut run) = Run::open(path) else {
        return;
    };
    let [predictions, network, json, postcard] = &template.sha256;
    let head = &mut run.description.head;
    head.predictions_sha256.clone_from(predictions);
    let file = FittedMethod::file_name(head.method);
    let at = FittedMethod::FILES.iter().position(|&name| name == file);
    head.weights_sha256
        .clone_from([network, json, postcard][at.expect("a known file")]);
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
