//! `epidelta prepare`

use std::path::{Path, PathBuf};

use anyhow::Result;
use epidelta::{
    annotation::AnnotationFormat,
    dataset::{
        CellTypeFiles, Genes, PrepareConfig, PrepareSummary, TrackSummary, prepare, read_marks,
        read_samples, write_epigenome,
    },
    input::Meter,
    output::{check_file, keep_inputs},
};

use crate::{arguments::Prepare, display::list_some, progress::Reporter};

pub fn run(command: &Prepare, reporter: &Reporter) -> Result<()> {
    let cells = cell_types(command)?;
    let outputs: Vec<PathBuf> = match command.samples {
        None => vec![command.output.clone()],
        Some(_) => {
            let file = |cell: &CellTypeFiles| command.output.join(format!("{}.parquet", cell.name));
            cells.iter().map(file).collect()
        }
    };
    let inputs: Vec<&Path> = inputs(command, &cells).collect();
    for output in &outputs {
        check_file(output, command.force)?;
        keep_inputs(output, inputs.iter().copied())?;
    }
    let genes = Genes::read(&command.genes_config())?;
    if genes.format() == AnnotationFormat::Windows {
        tracing::info!(
            "{}: rows are taken as the windows themselves, all as wide as asked for",
            command.genes.display()
        );
    }
    list_some(
        "genes that stand twice at one place, kept once",
        &genes.repeated,
    );
    let meter = Meter::default();
    let config = command.config(meter.clone());
    let total = cells.iter().map(bytes_of).sum();
    let bar = reporter.reading(total, &meter);
    for (number, (cell, output)) in cells.iter().zip(&outputs).enumerate() {
        bar.say(format!("{} ({} of {})", cell.name, number + 1, cells.len()));
        prepare_into(cell, &genes, &config, output, command.force)?;
    }
    Ok(())
}

/// Prepares a cell type into a file, and tells what was unusual.
pub fn prepare_into(
    cell: &CellTypeFiles,
    genes: &Genes,
    config: &PrepareConfig,
    output: &Path,
    force: bool,
) -> Result<()> {
    let (epigenome, summary) = prepare(cell, genes, config)?;
    tell(cell, config, &summary);
    write_epigenome(&epigenome, output, force)?;
    tracing::info!(
        "wrote {}: {} genes, {} marks, {} bins, signal in {}",
        output.display(),
        epigenome.genes.len(),
        epigenome.marks.len(),
        epigenome.bins,
        epigenome.metadata.signal_unit
    );
    Ok(())
}

fn cell_types(command: &Prepare) -> Result<Vec<CellTypeFiles>> {
    let column = command.expression_column.as_deref();
    if let Some(samples) = &command.samples {
        return Ok(read_samples(
            samples,
            command.expression.as_deref(),
            column,
        )?);
    }
    // The parser of the command line has made sure that these are there.
    let marks = command.marks.as_deref().unwrap_or(Path::new(""));
    Ok(vec![CellTypeFiles {
        name: command.cell_type.clone().unwrap_or_default(),
        tracks: read_marks(marks)?,
        expression: command.expression.clone().unwrap_or_default(),
        expression_column: command.expression_column.clone(),
    }])
}

fn inputs<'c>(command: &'c Prepare, cells: &'c [CellTypeFiles]) -> impl Iterator<Item = &'c Path> {
    let given = [
        &command.marks,
        &command.samples,
        &command.expression,
        &command.chrom_sizes,
        &command.reference,
    ];
    let of_cells = cells.iter().flat_map(|cell| {
        let tracks = cell.tracks.iter();
        let files = tracks.flat_map(|track| [Some(&track.path), track.control.as_ref()]);
        files.flatten().chain([&cell.expression])
    });
    let given = given.into_iter().flatten().chain([&command.genes]);
    given.chain(of_cells).map(PathBuf::as_path)
}

/// Bytes that are read of a cell type's files of reads and signal.
fn bytes_of(cell: &CellTypeFiles) -> u64 {
    let tracks = cell.tracks.iter();
    let mut paths: Vec<&PathBuf> = tracks
        .flat_map(|track| [Some(&track.path), track.control.as_ref()])
        .flatten()
        .collect();
    paths.sort();
    paths.dedup();
    let size = |path: &PathBuf| path.metadata().map_or(0, |found| found.len());
    paths.into_iter().map(size).sum()
}

/// Tells what was left out and what is unusual, once for each kind.
fn tell(cell: &CellTypeFiles, config: &PrepareConfig, summary: &PrepareSummary) {
    let name = &cell.name;
    for track in &summary.tracks {
        tell_track(track);
    }
    list_some(
        &format!("{name}: genes without expression, left out"),
        &summary.without_expression,
    );
    list_some(
        &format!("{name}: rows of the expression table without a gene, left out"),
        &summary.without_gene,
    );
    list_some(
        &format!("{name}: genes whose windows reach over an end of their chromosome"),
        &summary.over_edge,
    );
    if summary.fractional_reads {
        tracing::warn!(
            "{name}: the expression is not in whole {}: say what it is with --expression-unit",
            config.expression_unit
        );
    }
}

fn tell_track(track: &TrackSummary) {
    let path = track.path.display();
    let renamed: Vec<String> = track
        .renamed
        .iter()
        .map(|(in_file, in_annotation)| format!("{in_file} for {in_annotation}"))
        .collect();
    list_some(
        &format!("{path}: chromosomes named otherwise than in the annotation"),
        &renamed,
    );
    if !track.without_genes.is_empty() {
        tracing::debug!(
            "{path}: sequences without genes: {}",
            track.without_genes.join(", ")
        );
    }
    if track.without_quality {
        tracing::warn!("{path}: BED has no mapping qualities; --min-mapq does not act on it");
    }
    let Some(reads) = track.reads else {
        return;
    };
    let dropped = [
        ("unmapped", reads.unmapped),
        ("secondary", reads.secondary),
        ("supplementary", reads.supplementary),
        ("failed quality control", reads.qc_fail),
        ("duplicates", reads.duplicates),
        ("of low mapping quality", reads.low_mapping_quality),
        ("without bases on the reference", reads.empty),
        ("not the left mate of a proper pair", reads.not_in_pair),
    ];
    let dropped: Vec<String> = dropped
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    let dropped = match dropped.is_empty() {
        true => String::new(),
        false => format!("; left out: {}", dropped.join(", ")),
    };
    tracing::info!(
        "{path}: {} of {} reads count{dropped}",
        reads.depth,
        reads.records
    );
    if reads.not_primary > 0 {
        tracing::warn!(
            "{path}: {} of them are secondary or supplementary alignments, so that their reads \
             count more than once; --secondary drop --supplementary drop leaves them out",
            reads.not_primary
        );
    }
}
