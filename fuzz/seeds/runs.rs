//! What training writes, of each method.

use std::fs;

use epidelta::method::{FittedMethod, Method};
use epidelta_fuzz::{LEARNERS, STATE, folder, networks, train_one_batch, trained};

use crate::Corpus;

pub(crate) fn add(corpus: &Corpus) {
    train_one_batch();
    let state = fs::read(folder().join(STATE)).expect("a state");
    corpus.add("checkpoint", "raw-d", &state);
    let networks = networks();
    let methods: Vec<Method> = networks.iter().copied().chain(LEARNERS).collect();
    for method in methods {
        let run = trained(method);
        let read = |name: &str| fs::read(run.path.join(name)).ok();
        let name = method.name();
        let place = |list: &[Method]| list.iter().position(|&of_list| of_list == method);
        let model = read(FittedMethod::file_name(method)).expect("a model");
        for (target, list) in [("weights", &networks[..]), ("learned", &LEARNERS[..])] {
            if let Some(place) = place(list) {
                corpus.add_as(target, name, place as u8, &model);
            }
        }
        let files = ["run.toml", "predictions.tsv", "history.tsv", "metrics.json"];
        for (choice, file) in files.into_iter().enumerate() {
            if let Some(bytes) = read(file) {
                corpus.add_as("run", &format!("{name}-{file}"), choice as u8, &bytes);
            }
        }
    }
}
