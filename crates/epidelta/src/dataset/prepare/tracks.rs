//! The signal of every mark in every window, from its files.

use std::{
    collections::BTreeMap,
    num::NonZero,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{CellTypeFiles, PrepareConfig, Scale, TrackSummary, unit_of_reads, with_role};
use crate::{
    bins::{Chroms, MeanSignal, Missing, NameNotes, ReadCounter, Windows},
    dataset::epigenome::Mark,
    error::{Error, Place, Result},
    genome::ChromSizes,
    provenance::Source,
    signal::{Format, Reading, read_alignments, read_values},
};

/// The signal of a cell type.
pub(super) struct Signal {
    /// Each mark's signal, `[window, bin]`, along the genome in each window.
    pub(super) marks: Vec<(Mark, Vec<f32>)>,
    pub(super) unit: String,
    pub(super) sources: Vec<Source>,
    pub(super) summaries: Vec<TrackSummary>,
    /// Lengths of chromosomes that the files tell.
    pub(super) sizes: ChromSizes,
}

/// What one file holds.
enum Binned {
    /// Reads, `[window, bin]`, and the depth of the file.
    Counts(Vec<u32>, u64),
    /// Mean values, `[window, bin]`.
    Means(Vec<f32>),
}

struct BinnedFile {
    binned: Binned,
    source: Source,
    notes: NameNotes,
    format: Format,
}

/// Reads the files of a cell type, each one once, in parallel.
pub(super) fn read(
    files: &CellTypeFiles,
    windows: &Windows,
    config: &PrepareConfig,
) -> Result<Signal> {
    let mut paths: Vec<&PathBuf> = Vec::new();
    for path in files
        .tracks
        .iter()
        .flat_map(|t| [Some(&t.path), t.control.as_ref()])
        .flatten()
    {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let chroms = Chroms::new(windows);
    let threads = rayon::current_num_threads() / paths.len().max(1);
    let reading = Reading {
        filter: config.filter,
        reference: config.reference.clone(),
        threads: NonZero::new(threads).unwrap_or(NonZero::<usize>::MIN),
        meter: config.meter.clone(),
    };
    // The formats first, so that a wrong file does not show after an hour.
    let formats = paths
        .iter()
        .map(|path| Format::detect(path))
        .collect::<Result<Vec<_>>>()?;
    let binned: Vec<Result<BinnedFile>> = paths
        .par_iter()
        .zip(formats)
        .map(|(path, format)| bin_file(path, format, &chroms, &reading, config))
        .collect();
    let binned = binned.into_iter().collect::<Result<Vec<_>>>()?;
    let binned: BTreeMap<&Path, BinnedFile> = paths
        .iter()
        .map(|path| path.as_path())
        .zip(binned)
        .collect();
    join(files, &paths, &binned, config)
}

fn bin_file(
    path: &Path,
    format: Format,
    chroms: &Chroms,
    reading: &Reading,
    config: &PrepareConfig,
) -> Result<BinnedFile> {
    if format.holds_reads() {
        let mut counter = ReadCounter::new(path, chroms, config.count);
        let source = read_alignments(path, format, reading, &mut |batch| counter.add(batch))?;
        let depth = source.reads.map_or(0, |reads| reads.depth);
        if depth == 0 {
            return Err(no_reads(path, &source));
        }
        let (counts, notes) = counter.finish()?;
        return Ok(BinnedFile {
            binned: Binned::Counts(counts, depth),
            source,
            notes,
            format,
        });
    }
    let mut means = MeanSignal::new(path, chroms);
    let regions = |contig: &str| chroms.regions(contig);
    let source = read_values(path, format, reading, &regions, &mut |batch| {
        means.add(batch)
    })?;
    let (means, notes) = means.finish(config.missing)?;
    Ok(BinnedFile {
        binned: Binned::Means(means),
        source,
        notes,
        format,
    })
}

fn no_reads(path: &Path, source: &Source) -> Error {
    let reads = source.reads.unwrap_or_default();
    let found = match reads.records {
        0 => "a file without reads".to_owned(),
        records => format!(
            "none among {records} records ({} unmapped, {} secondary, {} supplementary, {} that \
             failed quality control, {} duplicates, {} of low mapping quality, {} without bases on \
             the reference, {} not in proper pairs)",
            reads.unmapped,
            reads.secondary,
            reads.supplementary,
            reads.qc_fail,
            reads.duplicates,
            reads.low_mapping_quality,
            reads.empty,
            reads.not_in_pair
        ),
    };
    let remedy = "Check the file, or loosen the filters";
    Error::content(
        path,
        Place::File,
        "reads that pass the filters",
        found,
        remedy,
    )
}

/// Joins the files of each mark.
fn join(
    files: &CellTypeFiles,
    paths: &[&PathBuf],
    binned: &BTreeMap<&Path, BinnedFile>,
    config: &PrepareConfig,
) -> Result<Signal> {
    let mut marks: Vec<(Mark, Vec<f32>)> = Vec::new();
    let mut units: Vec<(Mark, String)> = Vec::new();
    let mut sources = Vec::new();
    for track in &files.tracks {
        let sources_of = |path: &Path| binned.get(path).map(|file| file.source.clone());
        let role = match sources_of(&track.path).and_then(|source| source.reads) {
            Some(_) => "reads",
            None => "signal",
        };
        let own = sources_of(&track.path).map(|s| with_role(s, format!("{role}, {}", track.mark)));
        let control = track.control.as_deref().and_then(sources_of);
        let control = control.map(|s| with_role(s, format!("control, {}", track.mark)));
        sources.extend([own, control].into_iter().flatten());
        if marks.iter().any(|(mark, _)| *mark == track.mark) {
            continue;
        }
        let (signal, unit) = signal_of(&track.mark, files, binned, config)?;
        marks.push((track.mark.clone(), signal));
        units.push((track.mark.clone(), unit));
    }
    let summaries = paths
        .iter()
        .filter_map(|path| binned.get(path.as_path()).map(|file| (path, file)))
        .map(|(path, file)| TrackSummary {
            path: (*path).clone(),
            reads: file.source.reads,
            renamed: file.notes.renamed.clone(),
            without_genes: file.notes.without_genes.clone(),
            without_quality: file.format == Format::Bed && config.filter.min_mapping_quality > 0,
        })
        .collect();
    Ok(Signal {
        marks,
        unit: config
            .signal_unit
            .clone()
            .unwrap_or_else(|| joint_unit(&units)),
        sources,
        summaries,
        sizes: common_sizes(paths, binned)?,
    })
}

/// The signal of a mark and its unit: replicates pooled (reads) or averaged
/// (values), the control subtracted, what is below zero then set to zero.
fn signal_of(
    mark: &str,
    files: &CellTypeFiles,
    binned: &BTreeMap<&Path, BinnedFile>,
    config: &PrepareConfig,
) -> Result<(Vec<f32>, String)> {
    let tracks = || files.tracks.iter().filter(|track| track.mark == mark);
    let pooled = pool(mark, tracks().map(|track| track.path.as_path()), binned)?;
    let mut controls: Vec<&Path> = tracks().filter_map(|t| t.control.as_deref()).collect();
    controls.sort();
    controls.dedup();
    let (scale, mut unit) = match (pooled.depth, config.scale) {
        (Some(depth), Scale::Cpm) => (1e6 / depth as f64, unit_of_reads(config)),
        (Some(_), Scale::None) => (1.0, unit_of_reads(config)),
        (None, Scale::None) => (1.0, unit_of_values(config.missing)),
        (None, Scale::Cpm) => {
            return Err(Error::setting(
                "--scale cpm",
                format!("{mark} is given as signal, which has no depth"),
                "Give reads, or leave --scale out",
            ));
        }
    };
    let control = match controls.is_empty() {
        true => None,
        false => {
            unit += ", control subtracted";
            Some(pool(mark, controls.into_iter(), binned)?)
        }
    };
    if let Some(control) = &control
        && control.depth.is_some() != pooled.depth.is_some()
    {
        return Err(mixed(mark, "and its control"));
    }
    let depths = control
        .as_ref()
        .and_then(|control| pooled.depth.zip(control.depth));
    let control_scale = depths.map_or(1.0, |(depth, control)| depth as f64 / control as f64);
    let signal = pooled.sums.iter().enumerate().map(|(at, &own)| {
        let own = match &control {
            None => own,
            Some(control) => (own - control_scale * control.sums[at]).max(0.0),
        };
        (scale * own) as f32
    });
    Ok((signal.collect(), unit))
}

/// Files of one mark taken together.
struct Pooled {
    /// Reads, or mean values, `[window, bin]`.
    sums: Vec<f64>,
    /// Reads that passed the filter, of all files; none for values.
    depth: Option<u64>,
}

fn pool<'p>(
    mark: &str,
    paths: impl Iterator<Item = &'p Path>,
    binned: &BTreeMap<&Path, BinnedFile>,
) -> Result<Pooled> {
    let mut sums: Vec<f64> = Vec::new();
    let (mut depth, mut counted, mut averaged) = (0, 0, 0);
    for file in paths.filter_map(|path| binned.get(path)) {
        let mut add = |values: &mut dyn Iterator<Item = f64>| {
            if sums.is_empty() {
                sums = values.collect();
            } else {
                sums.iter_mut()
                    .zip(values)
                    .for_each(|(sum, value)| *sum += value);
            }
        };
        match &file.binned {
            Binned::Counts(counts, reads) => {
                counted += 1;
                depth += reads;
                add(&mut counts.iter().map(|&n| f64::from(n)));
            }
            Binned::Means(means) => {
                averaged += 1;
                add(&mut means.iter().map(|&v| f64::from(v)));
            }
        }
    }
    match (counted, averaged) {
        (_, 0) => Ok(Pooled {
            sums,
            depth: Some(depth),
        }),
        (0, files) => {
            sums.iter_mut().for_each(|sum| *sum /= f64::from(files));
            Ok(Pooled { sums, depth: None })
        }
        _ => Err(mixed(mark, "among its replicates")),
    }
}

fn mixed(mark: &str, where_: &str) -> Error {
    Error::data(
        format!("{mark} has both reads and signal {where_}"),
        "Give either reads or signal for a mark, its replicates and its control",
    )
}

fn unit_of_values(missing: Missing) -> String {
    match missing {
        Missing::Zero => "mean signal".into(),
        Missing::Skip => "mean signal of bases with data".into(),
    }
}

/// One unit for all marks, or each mark with its own.
fn joint_unit(units: &[(Mark, String)]) -> String {
    match units {
        [(_, first), others @ ..] if others.iter().all(|(_, unit)| unit == first) => first.clone(),
        _ => {
            let each: Vec<String> = units
                .iter()
                .map(|(m, unit)| format!("{m}: {unit}"))
                .collect();
            each.join("; ")
        }
    }
}

/// The lengths of chromosomes that files tell.
///
/// # Errors
/// When two files contradict each other.
fn common_sizes(paths: &[&PathBuf], binned: &BTreeMap<&Path, BinnedFile>) -> Result<ChromSizes> {
    let mut sizes: BTreeMap<String, (i64, &Path)> = BTreeMap::new();
    for path in paths {
        let told = binned.get(path.as_path()).map(|file| &file.notes.sizes);
        for (chrom, &size) in told.into_iter().flatten() {
            match sizes.get(chrom) {
                Some(&(other, first)) if other != size => {
                    return Err(Error::data(
                        format!(
                            "{chrom} is {size} bp long in {} and {other} bp in {}",
                            path.display(),
                            first.display()
                        ),
                        "Give files that were aligned to one genome assembly",
                    ));
                }
                _ => {
                    sizes.insert(chrom.clone(), (size, path));
                }
            }
        }
    }
    let sizes = sizes.into_iter();
    Ok(sizes.map(|(chrom, (size, _))| (chrom, size)).collect())
}
