//! `model.safetensors`, put into each kind of network, which then predicts.
#![no_main]

use std::sync::LazyLock;

use epidelta::{
    method::{FittedMethod, Settings},
    model::WeightsFile,
};
use epidelta_fuzz::{choose, file, networks, pair, size, small_settings, target};

static SETTINGS: LazyLock<Vec<Settings>> =
    LazyLock::new(|| networks().into_iter().map(small_settings).collect());

target!(|data| {
    let Some((choice, bytes)) = choose(data) else {
        return;
    };
    let path = file("model.safetensors", bytes);
    if let Ok(weights) = WeightsFile::read(&path) {
        let names = [Some("A".to_owned()), None];
        let _ = weights.for_cell_types(&names, &["B".into(), "A".into(), "C".into()]);
    }
    let settings = &SETTINGS[usize::from(choice) % SETTINGS.len()];
    if let Ok(model) = FittedMethod::load(&path, settings, size(), None) {
        let _ = model.predict(pair(), &[0, 1, 2], &settings.label);
    }
});
