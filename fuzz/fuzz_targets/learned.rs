//! What methods without networks learned, as JSON or postcard, which then predicts.
#![no_main]

use std::sync::LazyLock;

use epidelta::method::{FittedMethod, Method, Settings};
use epidelta_fuzz::{LEARNERS, choose, file, pair, size, small_settings, target};

static METHODS: LazyLock<Vec<(Method, Settings)>> = LazyLock::new(|| {
    LEARNERS
        .map(|method| (method, small_settings(method)))
        .to_vec()
});

target!(|data| {
    let Some((choice, bytes)) = choose(data) else {
        return;
    };
    let (method, settings) = &METHODS[usize::from(choice) % METHODS.len()];
    let path = file(FittedMethod::file_name(*method), bytes);
    let Ok(model) = FittedMethod::load(&path, settings, size(), None) else {
        return;
    };
    let _ = model.predict(pair(), &[0, 1, 2], &settings.label);
    if let FittedMethod::Baseline { model, .. } = &model {
        let _ = model.choices();
        let _ = model.coefficients(size().marks, size().bins);
    }
});
