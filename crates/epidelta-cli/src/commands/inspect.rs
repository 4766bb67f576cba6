//! `epidelta inspect`

use std::io::Write;

use anyhow::Result;
use epidelta::{
    dataset::{Epigenome, Split, read_epigenome},
    evaluation::median,
    genome::Strand,
    output::{check_file, keep_inputs},
    provenance::{Provenance, ReadCounts},
    report::write_profile_figure,
};
use serde_json::json;

use crate::{arguments::Inspect, display::table};

/// Digits of a checksum that are enough to tell files apart.
const SHOWN_OF_SHA256: usize = 12;

pub fn run(command: &Inspect) -> Result<()> {
    if let Some(figure) = &command.plot {
        check_file(figure, command.force)?;
        keep_inputs(figure, [command.file.as_path()])?;
    }
    let epigenome = read_epigenome(&command.file)?;
    if let Some(figure) = &command.plot {
        write_profile_figure(&epigenome, figure, command.force)?;
        tracing::info!("wrote {}", figure.display());
    }
    let mut out = std::io::stdout().lock();
    if command.json {
        writeln!(out, "{:#}", as_json(&epigenome))?;
        return Ok(());
    }
    let metadata = &epigenome.metadata;
    let genes = &epigenome.genes;
    let count = |of: &dyn Fn(&epidelta::dataset::GeneRecord) -> bool| {
        genes.iter().filter(|gene| of(gene)).count()
    };
    let splits: Vec<String> = Split::ALL
        .into_iter()
        .map(|split| format!("{} {split}", count(&|gene| gene.split == Some(split))))
        .chain([format!("{} without", count(&|gene| gene.split.is_none()))])
        .collect();
    let expression = Spread::of(genes.iter().map(|gene| gene.expression));
    let rows = [
        ("cell type", metadata.cell_type.clone()),
        ("genes", genes.len().to_string()),
        ("split", splits.join(", ")),
        (
            "coordinates",
            format!(
                "{} genes with a TSS; {} on +, {} on -",
                count(&|gene| gene.tss.is_some()),
                count(&|gene| gene.strand == Some(Strand::Forward)),
                count(&|gene| gene.strand == Some(Strand::Reverse)),
            ),
        ),
        (
            "window",
            format!(
                "{} bins of {} bp, {} bp upstream to {} bp downstream of the TSS",
                epigenome.bins, metadata.bin_size, metadata.upstream, metadata.downstream
            ),
        ),
        ("order of bins", metadata.orientation.name().to_owned()),
        (
            "genome",
            metadata.genome.clone().unwrap_or("unknown".into()),
        ),
        (
            "expression",
            format!(
                "{}: median {}, mean {}, largest {}, zero in {} genes",
                metadata.expression_unit,
                short(expression.median),
                short(expression.mean),
                short(expression.largest),
                expression.zeros
            ),
        ),
    ];
    for (name, value) in rows {
        writeln!(out, "{name:<14} {value}")?;
    }
    writeln!(out, "\nsignal per bin, unit: {}", metadata.signal_unit)?;
    let mut marks = table(&["mark", "total", "mean", "median", "largest", "zero bins"]);
    for (mark, spread) in epigenome.marks.iter().zip(mark_spreads(&epigenome)) {
        marks.add_row([
            mark.clone(),
            format!("{:.0}", spread.total),
            format!("{:.3}", spread.mean),
            short(spread.median),
            short(spread.largest),
            format!("{:.1} %", 100.0 * spread.zeros as f64 / spread.count as f64),
        ]);
    }
    writeln!(out, "{marks}")?;
    if let Some(provenance) = &metadata.provenance {
        write_provenance(&mut out, provenance)?;
    }
    Ok(())
}

/// What the numbers of a list are like.
struct Spread {
    count: usize,
    total: f64,
    mean: f64,
    median: f64,
    largest: f64,
    zeros: usize,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.collect();
        let count = values.len();
        let total: f64 = values.iter().sum();
        Spread {
            count,
            total,
            mean: total / count.max(1) as f64,
            largest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            zeros: values.iter().filter(|&&v| v == 0.0).count(),
            median: median(values).unwrap_or(f64::NAN),
        }
    }
}

fn mark_spreads(epigenome: &Epigenome) -> Vec<Spread> {
    let bins = epigenome.bins;
    (0..epigenome.marks.len())
        .map(|mark| {
            let rows = (0..epigenome.genes.len())
                .flat_map(|gene| &epigenome.signal_of(gene)[mark * bins..][..bins]);
            Spread::of(rows.map(|&v| f64::from(v)))
        })
        .collect()
}

fn as_json(epigenome: &Epigenome) -> serde_json::Value {
    let metadata = &epigenome.metadata;
    let in_split = |split| {
        let genes = epigenome.genes.iter();
        genes.filter(|gene| gene.split == split).count()
    };
    let expression = Spread::of(epigenome.genes.iter().map(|gene| gene.expression));
    let marks: Vec<_> = epigenome
        .marks
        .iter()
        .zip(mark_spreads(epigenome))
        .map(|(mark, s)| {
            json!({"mark": mark, "total": s.total, "mean": s.mean, "median": s.median,
                   "largest": s.largest, "zero_bins": s.zeros})
        })
        .collect();
    let provenance = metadata
        .provenance
        .as_ref()
        .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    json!({
        "cell_type": metadata.cell_type,
        "genes": epigenome.genes.len(),
        "split": {"train": in_split(Some(Split::Train)), "valid": in_split(Some(Split::Valid)),
                  "test": in_split(Some(Split::Test)), "without": in_split(None)},
        "genes_with_tss": epigenome.genes.iter().filter(|gene| gene.tss.is_some()).count(),
        "expression": {"median": expression.median, "mean": expression.mean,
                       "largest": expression.largest, "zero_genes": expression.zeros},
        "bins": epigenome.bins,
        "bin_size": metadata.bin_size,
        "upstream": metadata.upstream,
        "downstream": metadata.downstream,
        "orientation": metadata.orientation.name(),
        "signal_unit": metadata.signal_unit,
        "expression_unit": metadata.expression_unit,
        "genome": metadata.genome,
        "marks": marks,
        "provenance": provenance,
    })
}

/// A number in about four digits; a whole one as it is.
fn short(value: f64) -> String {
    match value.abs() {
        size if size.fract() == 0.0 && size < 1e15 => format!("{value}"),
        size if (1000.0..1e15).contains(&size) => format!("{value:.0}"),
        size if (0.001..1000.0).contains(&size) => format!("{value:.3}"),
        _ => format!("{value:.3e}"),
    }
}

/// How the file was made: the command, its settings, and a row per source.
fn write_provenance(out: &mut impl Write, text: &str) -> Result<()> {
    let Ok(provenance) = serde_json::from_str::<Provenance>(text) else {
        // Another program's record is shown as it is.
        writeln!(out, "\nprovenance\n{text}")?;
        return Ok(());
    };
    let Provenance {
        command,
        epidelta,
        sources,
        settings,
    } = provenance;
    writeln!(out, "\nmade by epidelta {command}, version {epidelta}")?;
    let settings: Vec<String> = settings
        .into_iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    writeln!(out, "{}", settings.join(", "))?;
    if sources.is_empty() {
        return Ok(());
    }
    let mut rows = table(&[
        "source",
        "file",
        "bytes",
        "reads that count",
        "of",
        "SHA-256",
    ]);
    for source in sources {
        let count = |of: fn(&ReadCounts) -> u64| match &source.reads {
            Some(reads) => of(reads).to_string(),
            None => String::new(),
        };
        rows.add_row([
            source.role.clone(),
            source.name.clone(),
            source.size.to_string(),
            count(|reads| reads.depth),
            count(|reads| reads.records),
            source.sha256.chars().take(SHOWN_OF_SHA256).collect(),
        ]);
    }
    writeln!(out, "\n{rows}")?;
    Ok(())
}
