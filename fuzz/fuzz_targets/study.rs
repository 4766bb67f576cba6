//! `study.toml`, and the plan made of it.
#![no_main]

use std::sync::LazyLock;

use epidelta::{
    interrupt::Interrupt,
    study::{StudyConfig, StudyPlan},
};
use epidelta_fuzz::{file, folder, target, template};

/// A table of labels, beside the epigenomes.
static LABELS: LazyLock<()> = LazyLock::new(|| {
    file(
        "labels.tsv",
        b"gene_id\tlogFC\nSIMG00000001\t1.5\nSIMG00000002\t-0.5\n",
    );
});

target!(|data| {
    let _ = template();
    LazyLock::force(&LABELS);
    let Ok(config) = StudyConfig::read(&file("study.toml", data)) else {
        return;
    };
    // Nothing but the data here: a study may name any file.
    if config.files().any(|file| file.parent() != Some(folder())) {
        return;
    }
    if let Ok(plan) = StudyPlan::new(&config) {
        for job in plan.jobs().into_iter().take(100) {
            let _ = plan.training(folder(), job, &Interrupt::default());
        }
    }
});
