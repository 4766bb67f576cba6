//! The published DeepDiff data: expression, signal and annotation, separated by zero bytes.
#![no_main]

use epidelta::dataset::{DeepDiffFiles, Orientation, Split, import_deepdiff};
use epidelta_fuzz::{file, target};

target!(|data| {
    let mut parts = data.split(|&byte| byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let (expression, train, valid, annotation) = (part(), part(), part(), part());
    let mut signal = vec![(Split::Train, file("train.csv", train))];
    if !valid.is_empty() {
        signal.push((Split::Valid, file("valid.csv", valid)));
    }
    let annotated = !annotation.is_empty();
    let files = DeepDiffFiles {
        cell_type: "A".into(),
        expression: file("expression.csv", expression),
        signal,
        marks: ["H3K4me1", "H3K4me3"].map(str::to_owned).to_vec(),
        bin_size: 100,
        annotation: annotated.then(|| file("annotation.gtf", annotation)),
        orientation: match annotated {
            true => Orientation::Strand,
            false => Orientation::Genome,
        },
    };
    let _ = import_deepdiff(&files);
});
