//! GTF, GFF3 and BED annotations, and the windows around their genes.
#![no_main]

use epidelta::{
    annotation::{AnnotationFormat, GeneIndex, TssRule, read_annotation, read_genes},
    bins::{Bins, WindowIndex, Windows},
    genome::ChromSizes,
};
use epidelta_fuzz::{choose, file, target};

target!(|data| {
    let Some((choice, bytes)) = choose(data) else {
        return;
    };
    let path = file("annotation", bytes);
    let rule = match choice & 8 {
        0 => TssRule::Gene,
        _ => TssRule::Transcript,
    };
    let format = match choice % 8 {
        0 => AnnotationFormat::Gtf,
        1 => AnnotationFormat::Gff3,
        2 => AnnotationFormat::Bed,
        3 => AnnotationFormat::Windows,
        4 => {
            let _ = AnnotationFormat::detect(&path, Some(100));
            return;
        }
        _ => {
            let _ = read_annotation(&path);
            return;
        }
    };
    let Ok(annotation) = read_genes(&path, format, rule) else {
        return;
    };
    let index = GeneIndex::new(&annotation.genes);
    for gene in &annotation.genes {
        let _ = index.get(&gene.id);
    }
    let windows = Windows::around(annotation.genes, Bins::default());
    let _ = WindowIndex::new(&windows, &ChromSizes::new());
});
