//! `epidelta prepare`

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use epidelta::{
    annotation::AnnotationFormat,
    bins::Edges,
    dataset::{
        CellTypeFiles, Epigenome, Genes, PrepareConfig, PrepareCost, PrepareSummary, TrackSummary,
        differs_from_prepared, prepare, read_epigenome, read_marks, read_samples, write_epigenome,
    },
    error::Error,
    input::Meter,
    interrupt::Interrupt,
    output::{check_file, check_writable, keep_inputs},
};

use rayon::prelude::*;

use crate::{arguments::Prepare, display::list_some, progress::Reporter};

pub fn run(command: &Prepare, reporter: &Reporter, interrupt: &Interrupt) -> Result<()> {
    let cells = cell_types(command)?;
    let outputs = outputs(command, &cells)?;
    let genes = Genes::read(&command.genes_config())?;
    if genes.format() == AnnotationFormat::Windows {
        tracing::warn!(
            "{}: rows are taken as the windows themselves, all being as wide as asked for",
            command.genes.display()
        );
    }
    list_some(
        "genes that stand twice at one place, kept once",
        &genes.repeated,
    );
    let meter = Meter::default();
    let config = command.config(meter.clone());
    list_some(
        "genes whose transcripts lie at several places, left out",
        &genes.at_several_places,
    );
    warn_of_shared(&cells);
    // What can be found wrong now must not be found after hours of reading.
    check(&cells, &genes)?;
    if command.check {
        return tell_costs(&cells, &genes);
    }
    let mut left: Vec<_> = cells.iter().zip(&outputs).collect();
    if command.resume {
        let made = left.len();
        left = still_to_make(left, &genes, &config)?;
        let made = made - left.len();
        tracing::info!("{made} of {} cell types were prepared before", cells.len());
    }
    interrupt.begin();
    let total = left.iter().map(|(cell, _)| cell.bytes()).sum();
    let bar = reporter.reading(total, &meter);
    for (number, (cell, output)) in left.into_iter().enumerate() {
        bar.say(format!("{} ({} of {})", cell.name, number + 1, cells.len()));
        let (epigenome, summary) = prepare(cell, &genes, &config)?;
        bar.suspend(|| tell(cell, &genes, &config, &summary));
        write_epigenome(&epigenome, output, command.force)?;
        bar.suspend(|| tell_written(output, &epigenome));
    }
    Ok(())
}

/// Prints what preparing each cell type will take.
fn tell_costs(cells: &[CellTypeFiles], genes: &Genes) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "cell_type\tgenes\tmarks\tbins\tbytes\tminutes\tmemory_mb"
    )?;
    for cell in cells {
        let PrepareCost {
            genes,
            marks,
            bins,
            bytes,
            minutes,
            memory_mb,
        } = PrepareCost::of(cell, genes)?;
        writeln!(
            out,
            "{}\t{genes}\t{marks}\t{bins}\t{bytes}\t{minutes:.3}\t{memory_mb:.0}",
            cell.name
        )?;
    }
    tracing::info!("{} cell types can be prepared", cells.len());
    Ok(())
}

/// The file of each cell type, checked; of none, where nothing is to be written.
fn outputs(command: &Prepare, cells: &[CellTypeFiles]) -> Result<Vec<PathBuf>> {
    let Some(output) = command.output.as_ref().filter(|_| !command.check) else {
        return Ok(Vec::new());
    };
    if command.samples.is_some() && output.exists() && !output.is_dir() {
        bail!(
            "{} is not a folder; with --samples, -o names the folder of the files",
            output.display()
        );
    }
    let outputs: Vec<PathBuf> = match command.samples {
        None => vec![output.clone()],
        Some(_) => {
            let file = |cell: &CellTypeFiles| output.join(format!("{}.parquet", cell.name));
            cells.iter().map(file).collect()
        }
    };
    let inputs: Vec<&Path> = inputs(command, cells).collect();
    for output in &outputs {
        check_file(output, command.force || command.resume)?;
        check_writable(output)?;
        keep_inputs(output, inputs.iter().copied())?;
    }
    Ok(outputs)
}

/// The cell types whose files are not there yet.
fn still_to_make<'c>(
    cells: Vec<(&'c CellTypeFiles, &'c PathBuf)>,
    genes: &Genes,
    config: &PrepareConfig,
) -> Result<Vec<(&'c CellTypeFiles, &'c PathBuf)>> {
    let mut left = Vec::new();
    for (cell, output) in cells {
        if !output.exists() {
            left.push((cell, output));
            continue;
        }
        let there = read_epigenome(output)?;
        if let Some(difference) = differs_from_prepared(&there, cell, genes, config)? {
            bail!(
                "{} is there, but {difference}. Remove it to have it made again, give --force \
                 instead of --resume to make all again, or choose another folder",
                output.display()
            );
        }
    }
    Ok(left)
}

/// Prepares a cell type into a file, and tells what was unusual.
pub fn prepare_into(
    cell: &CellTypeFiles,
    genes: &Genes,
    config: &PrepareConfig,
    output: &Path,
) -> Result<()> {
    let (epigenome, summary) = prepare(cell, genes, config)?;
    tell(cell, genes, config, &summary);
    write_epigenome(&epigenome, output, false)?;
    tell_written(output, &epigenome);
    Ok(())
}

fn tell_written(output: &Path, epigenome: &Epigenome) {
    tracing::info!(
        "wrote {}: {} genes, {} marks, {} bins, signal in {}",
        output.display(),
        epigenome.genes.len(),
        epigenome.marks.len(),
        epigenome.bins,
        epigenome.metadata.signal_unit
    );
}

fn cell_types(command: &Prepare) -> Result<Vec<CellTypeFiles>> {
    let column = command.expression_column.as_deref();
    if let Some(samples) = &command.samples {
        let mut cells = read_samples(samples, command.expression.as_deref(), column)?;
        if let Some(wanted) = &command.cell_type {
            cells.retain(|cell| cell.name == *wanted);
            if cells.is_empty() {
                bail!("{} has no cell type {wanted}", samples.display());
            }
        }
        return Ok(cells);
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
    let of_cells = cells
        .iter()
        .flat_map(|cell| cell.files().into_iter().chain([cell.expression.as_path()]));
    let given = given.into_iter().flatten().chain([&command.genes]);
    given.map(PathBuf::as_path).chain(of_cells)
}

/// Checks all cell types before the first one is prepared, and tells of all that is wrong.
fn check(cells: &[CellTypeFiles], genes: &Genes) -> Result<()> {
    let of_each = cells.par_iter().map(|cell| cell.check(genes).err());
    let mut problems: Vec<Error> = of_each.flatten().collect();
    check_expression(cells, &mut problems);
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::all("nothing was prepared, since", problems).into()),
    }
}

/// Reads the expression of all cell types before anything else, and refuses two cell
/// types that have the same: a table of one column, or an option for all of them.
fn check_expression(cells: &[CellTypeFiles], problems: &mut Vec<Error>) {
    let column = |cell: &CellTypeFiles| cell.read_expression().map(|table| table.column);
    let columns: Vec<_> = cells.par_iter().map(column).collect();
    let mut seen: HashMap<(PathBuf, String), &str> = HashMap::new();
    for (cell, column) in cells.iter().zip(columns) {
        let column = match column {
            Ok(column) => column,
            Err(error) => {
                // Of a table that all share, once.
                let known = |of: &Error| of.to_string() == error.to_string();
                if !problems.iter().any(known) {
                    problems.push(error);
                }
                continue;
            }
        };
        let table = fs::canonicalize(&cell.expression).unwrap_or_default();
        if let Some(first) = seen.insert((table, column.clone()), &cell.name) {
            problems.push(Error::data(
                format!(
                    "{first} and {} both take the column {column:?} of {}",
                    cell.name,
                    cell.expression.display()
                ),
                "Give every cell type a column with its name, or the columns expression and \
                 expression_column in the list",
            ));
        }
    }
}

/// Warns of a file that stands for the same mark in two cell types: a slip, mostly.
fn warn_of_shared(cells: &[CellTypeFiles]) {
    let mut seen: HashMap<(PathBuf, &str), &str> = HashMap::new();
    for cell in cells {
        for track in &cell.tracks {
            let path = fs::canonicalize(&track.path).unwrap_or_else(|_| track.path.clone());
            if let Some(first) = seen.insert((path, &track.mark), &cell.name)
                && first != cell.name
            {
                tracing::warn!(
                    "{} is the {} of {first} and of {} too",
                    track.path.display(),
                    track.mark,
                    cell.name
                );
            }
        }
    }
}

/// Tells what was left out and what is unusual, once for each kind.
fn tell(cell: &CellTypeFiles, genes: &Genes, config: &PrepareConfig, summary: &PrepareSummary) {
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
        &format!(
            "{name}: genes whose windows reach over an end of their chromosome, {}",
            match genes.edges() {
                Edges::Pad => "their bins there zero",
                Edges::Drop => "left out",
            }
        ),
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
    if !track.unused_options.is_empty() {
        tracing::warn!(
            "{path}: these options do not act on a file of this format: {}",
            track.unused_options.join(", ")
        );
    }
    list_some(
        &format!("{path}: sequences left out, as another one has the same name in another custom"),
        &track.ambiguous,
    );
    let absent: Vec<String> = track
        .absent
        .iter()
        .map(|(chrom, genes)| format!("{chrom} with {genes} genes"))
        .collect();
    list_some(
        &format!("{path}: chromosomes with genes that it does not have, their signal is zero"),
        &absent,
    );
    let (empty, genes) = track.genes_without_signal;
    if 2 * empty > genes {
        tracing::warn!(
            "{path}: {empty} of {genes} genes have no signal in any bin. Is it of the whole genome, \
             and of the assembly of the annotation?"
        );
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
