//! Data at the edge of what makes sense train every method, or are refused with a reason.

mod common;

use common::Workplace;
use epidelta::{
    dataset::{Epigenome, GeneRecord, Metadata, Orientation, write_epigenome},
    method::Method,
};

/// What a cell type is like.
struct Extreme {
    name: &'static str,
    genes: usize,
    marks: usize,
    bins: usize,
    /// The signal of a cell type (0, 1), gene and bin.
    signal: fn(usize, usize, usize) -> f32,
    expression: fn(usize, usize) -> f64,
    /// Part of the reason with which hardy methods refuse it; none where they take it.
    refused: Option<&'static str>,
}

/// Something that varies among genes, bins and cell types.
fn varied(cell: usize, gene: usize, bin: usize) -> f32 {
    ((gene * 7 + bin * 3 + cell * gene * 5) % 11) as f32
}

fn expressed(cell: usize, gene: usize) -> f64 {
    ((gene * 13 + cell * gene * gene * 3) % 50) as f64
}

const ORDINARY: Extreme = Extreme {
    name: "ordinary",
    genes: 60,
    marks: 2,
    bins: 20,
    signal: varied,
    expression: expressed,
    refused: None,
};

fn extremes() -> Vec<Extreme> {
    vec![
        Extreme {
            name: "all zero",
            signal: |_, _, _| 0.0,
            ..ORDINARY
        },
        Extreme {
            name: "one giant bin",
            signal: |cell, gene, bin| match (cell, gene, bin) {
                (0, 3, 4) => 1e30,
                _ => varied(cell, gene, bin),
            },
            ..ORDINARY
        },
        Extreme {
            name: "the largest number",
            signal: |cell, gene, bin| match (cell, gene, bin) {
                (0, 3, 4) => f32::MAX,
                _ => varied(cell, gene, bin),
            },
            ..ORDINARY
        },
        Extreme {
            name: "a constant label",
            expression: |_, gene| gene as f64,
            ..ORDINARY
        },
        Extreme {
            name: "huge expression",
            expression: |cell, gene| 1e300 * (1 + gene * (cell + 1)) as f64 / 1e3,
            ..ORDINARY
        },
        Extreme {
            name: "one gene",
            genes: 1,
            refused: Some("split has no gene"),
            ..ORDINARY
        },
        Extreme {
            name: "five genes",
            genes: 5,
            ..ORDINARY
        },
        Extreme {
            name: "one bin",
            bins: 1,
            ..ORDINARY
        },
        Extreme {
            name: "one mark",
            marks: 1,
            ..ORDINARY
        },
        Extreme {
            name: "2,000 bins",
            bins: 2000,
            ..ORDINARY
        },
        Extreme {
            name: "50 marks",
            marks: 50,
            ..ORDINARY
        },
    ]
}

fn cell_type(extreme: &Extreme, cell: usize) -> Epigenome {
    let width = u32::try_from(extreme.bins).unwrap() * 100;
    let gene = |gene: usize| GeneRecord {
        gene_id: format!("G{gene}"),
        gene_name: None,
        chrom: None,
        tss: None,
        strand: None,
        split: None,
        expression: (extreme.expression)(cell, gene),
    };
    let mut signal = Vec::new();
    for gene in 0..extreme.genes {
        for _ in 0..extreme.marks {
            signal.extend((0..extreme.bins).map(|bin| (extreme.signal)(cell, gene, bin)));
        }
    }
    Epigenome {
        metadata: Metadata {
            cell_type: ["A", "B"][cell].into(),
            bin_size: 100,
            upstream: width / 2,
            downstream: width - width / 2,
            orientation: Orientation::Strand,
            signal_unit: "fold change".into(),
            expression_unit: "reads".into(),
            library_size: None,
            genome: None,
            provenance: None,
        },
        marks: (0..extreme.marks).map(|mark| format!("M{mark}")).collect(),
        bins: extreme.bins,
        signal: signal.into(),
        genes: (0..extreme.genes).map(gene).collect(),
    }
}

/// A method that takes everything but what is refused outright.
fn is_hardy(method: Method) -> bool {
    matches!(
        method,
        Method::Epidelta | Method::DeepDiff(_) | Method::Ridge
    )
}

#[test]
fn extremes_train_or_are_refused() {
    for extreme in extremes() {
        let workplace = Workplace::new();
        for (cell, name) in ["a.parquet", "b.parquet"].into_iter().enumerate() {
            write_epigenome(&cell_type(&extreme, cell), &workplace.path(name), false).unwrap();
        }
        for method in Method::all() {
            let case = format!("{}, {method}", extreme.name);
            let epochs = match method {
                Method::Epidelta
                | Method::DeepDiff(_)
                | Method::AttentiveChrome
                | Method::DeepChrome
                | Method::DeepChromeRaw => "--set training.epochs=1",
                Method::Svr | Method::TwoLayerSvr => "--set svr.costs=[1.0]",
                _ => "",
            };
            let outcome = workplace.run(&format!(
                "train --a a.parquet --b b.parquet --method {method} {epochs} --quiet -o run"
            ));
            let told = &outcome.stderr;
            assert!(
                !told.contains("defect") && !told.contains("panicked"),
                "{case}: {told}"
            );
            match outcome.code {
                Some(0) => {
                    assert_eq!(extreme.refused, None, "{case}");
                    // Nothing that is no number stands in what is written.
                    let predictions = workplace.text("run/predictions.tsv");
                    assert!(
                        !predictions.contains("NaN") && !predictions.contains("inf"),
                        "{case}"
                    );
                    workplace.succeed("evaluate --run run");
                    std::fs::remove_dir_all(workplace.path("run")).unwrap();
                }
                Some(1) => {
                    // A sentence on what is wrong and one on what to do.
                    let error = told.lines().find(|line| line.starts_with("error: "));
                    assert!(
                        error.is_some_and(|error| error.contains(". ")),
                        "{case}: {told}"
                    );
                    if is_hardy(method) {
                        let part = extreme.refused;
                        let part = part.unwrap_or_else(|| panic!("{case}: {told}"));
                        assert!(told.contains(part), "{case}: {told}");
                    }
                    assert!(
                        !workplace.path("run").exists(),
                        "{case}: left something behind"
                    );
                }
                code => panic!("{case}: {code:?} {told}"),
            }
        }
    }
}
