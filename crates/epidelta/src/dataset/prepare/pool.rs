//! The files of one mark taken together: replicates pooled, the control subtracted,
//! counts scaled.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    CellTypeFiles, PrepareConfig, Scale,
    tracks::{Binned, BinnedFile},
    unit_of_reads,
};
use crate::{
    bins::Missing,
    dataset::epigenome::Mark,
    error::{Error, Result},
};

/// The signal of a mark and its unit: replicates pooled (reads) or averaged
/// (values), the control subtracted, what is below zero then set to zero.
pub(super) fn signal_of(
    mark: &str,
    files: &CellTypeFiles,
    binned: &BTreeMap<&Path, BinnedFile>,
    config: &PrepareConfig,
) -> Result<(Vec<f32>, String)> {
    let tracks = || files.tracks.iter().filter(|track| track.mark == mark);
    let pooled = pool(mark, tracks().map(|track| track.path.as_path()), binned)?;
    // A control of several replicates is one control, however its path is written.
    let controls = tracks().filter_map(|track| track.control.as_deref());
    let controls: BTreeMap<PathBuf, &Path> = controls
        .map(|path| (fs::canonicalize(path).unwrap_or_else(|_| path.into()), path))
        .collect();
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
            Some(pool(mark, controls.into_values(), binned)?)
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
pub(super) fn joint_unit(units: &[(Mark, String)]) -> String {
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
