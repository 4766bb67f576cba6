//! The signal of every mark in every window, from its files.

use std::{
    collections::BTreeMap,
    num::NonZero,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use rayon::prelude::*;

use super::{
    CellTypeFiles, PrepareConfig, TrackSummary,
    pool::{joint_unit, signal_of},
    with_role,
};
use crate::{
    bins::{CountRule, MeanSignal, NameNotes, ReadCounter, WindowIndex, Windows},
    dataset::epigenome::Mark,
    error::{Error, Place, Result},
    genome::ChromSizes,
    provenance::Source,
    signal::{Format, ReadFilter, Reading, read_alignments, read_values},
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
pub(super) enum Binned {
    /// Reads, `[window, bin]`, and the depth of the file.
    Counts(Vec<u32>, u64),
    /// Mean values, `[window, bin]`.
    Means(Vec<f32>),
}

impl Binned {
    /// How many genes have nothing in any bin, and how many there are.
    fn genes_without_signal(&self, bins: usize) -> (usize, usize) {
        fn count<T: PartialEq + Default>(numbers: &[T], bins: usize) -> (usize, usize) {
            let empty = |gene: &&[T]| gene.iter().all(|number| *number == T::default());
            let genes = numbers.chunks_exact(bins);
            (genes.clone().filter(empty).count(), genes.len())
        }
        match self {
            Binned::Counts(counts, _) => count(counts, bins),
            Binned::Means(means) => count(means, bins),
        }
    }
}

pub(super) struct BinnedFile {
    pub(super) binned: Binned,
    source: Source,
    notes: NameNotes,
    format: Format,
}

/// Reads the files of a cell type, each one once, in parallel.
pub(super) fn read(
    files: &CellTypeFiles,
    windows: &Windows,
    given_sizes: &ChromSizes,
    config: &PrepareConfig,
) -> Result<Signal> {
    let paths = files.files();
    let index = WindowIndex::new(windows, given_sizes);
    let formats = paths.iter().map(|path| Format::detect(path));
    let formats = formats.collect::<Result<Vec<Format>>>()?;
    let (cram, others): (Vec<usize>, Vec<usize>) =
        (0..paths.len()).partition(|&file| formats[file] == Format::Cram);
    let all_threads = rayon::current_num_threads();
    let reading = |files_at_once: usize| Reading {
        filter: config.filter,
        reference: config.reference.clone(),
        threads: NonZero::new(all_threads / files_at_once.max(1)).unwrap_or(NonZero::<usize>::MIN),
        meter: config.meter.clone(),
    };
    let failed = AtomicBool::new(false);
    let bin = |file: usize, reading: &Reading| {
        let binned = bin_file(paths[file], formats[file], &index, reading, config, &failed);
        if binned.is_err() {
            failed.store(true, Ordering::Relaxed);
        }
        (paths[file], binned)
    };
    let of_others = reading(others.len());
    let mut binned: Vec<(&Path, Result<Option<BinnedFile>>)> = others
        .par_iter()
        .map(|&file| bin(file, &of_others))
        .collect();
    // The containers of a CRAM file are decoded in parallel, and need the reference
    // in memory: one file at a time.
    binned.extend(cram.iter().map(|&file| bin(file, &reading(1))));
    let mut whole = BTreeMap::new();
    for (path, binned) in binned {
        // The first error is told; files after it were given up.
        if let Some(binned) = binned? {
            whole.insert(path, binned);
        }
    }
    join(files, &paths, &whole, windows.bins.count(), config)
}

/// The signal of one file; none where another file has failed meanwhile.
fn bin_file(
    path: &Path,
    format: Format,
    index: &WindowIndex,
    reading: &Reading,
    config: &PrepareConfig,
    failed: &AtomicBool,
) -> Result<Option<BinnedFile>> {
    let mut given_up = false;
    let mut go_on = || {
        given_up = failed.load(Ordering::Relaxed);
        match given_up {
            true => Err(Error::data("another file failed", "")),
            false => Ok(()),
        }
    };
    let binned = if format.holds_reads() {
        let mut counter = ReadCounter::new(path, index, config.count);
        let read = read_alignments(path, format, reading, &mut |batch| {
            go_on()?;
            counter.add(batch)
        });
        read.and_then(|source| {
            let depth = source.reads.map_or(0, |reads| reads.depth);
            if depth == 0 {
                return Err(no_reads(path, &source));
            }
            let (counts, notes) = counter.finish()?;
            Ok((Binned::Counts(counts, depth), source, notes))
        })
    } else {
        let mut means = MeanSignal::new(path, index);
        let regions = |contig: &str| index.regions(contig);
        let read = read_values(path, format, reading, &regions, &mut |batch| {
            go_on()?;
            means.add(batch)
        });
        read.and_then(|source| {
            let (means, notes) = means.finish(config.missing)?;
            Ok((Binned::Means(means), source, notes))
        })
    };
    match binned {
        Err(_) if given_up => Ok(None),
        binned => binned.map(|(binned, source, notes)| {
            Some(BinnedFile {
                binned,
                source,
                notes,
                format,
            })
        }),
    }
}

/// The options that were given but do not act on a file of this format.
fn unused_options(format: Format, config: &PrepareConfig) -> Vec<&'static str> {
    let (filter, default) = (&config.filter, ReadFilter::default());
    let mut unused = Vec::new();
    if !format.holds_reads() && config.count != CountRule::default() {
        unused.push("--count, --extend, --shift, --strand");
    }
    if !format.holds_reads() && *filter != default {
        unused.push("filters of reads");
    }
    if format == Format::Bed {
        let asked = [
            (filter.min_mapping_quality > 0, "--min-mapq"),
            (filter.pairing != default.pairing, "--paired"),
        ];
        unused.extend(
            asked
                .into_iter()
                .filter(|(asked, _)| *asked)
                .map(|(_, name)| name),
        );
    }
    unused
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
    paths: &[&Path],
    binned: &BTreeMap<&Path, BinnedFile>,
    bins: usize,
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
        .filter_map(|path| binned.get(path).map(|file| (path, file)))
        .map(|(path, file)| TrackSummary {
            path: path.to_path_buf(),
            reads: file.source.reads,
            renamed: file.notes.renamed.clone(),
            without_genes: file.notes.without_genes.clone(),
            absent: file.notes.absent.clone(),
            ambiguous: file.notes.ambiguous.clone(),
            genes_without_signal: file.binned.genes_without_signal(bins),
            unused_options: unused_options(file.format, config),
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

/// The lengths of chromosomes that files tell.
///
/// # Errors
/// When two files contradict each other.
fn common_sizes(paths: &[&Path], binned: &BTreeMap<&Path, BinnedFile>) -> Result<ChromSizes> {
    let mut sizes: BTreeMap<String, (i64, &Path)> = BTreeMap::new();
    for path in paths {
        let told = binned.get(path).map(|file| &file.notes.sizes);
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
