//! From two files to a run folder.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use super::{
    DataFile, DataShape, Epochs, HISTORY, LabelFile, LabelTable, LastEpoch, MARKER, METRICS,
    NoiseCeilings, PREDICTIONS, PerNetwork, RunDescription, RunHead, RunMetrics,
    baselines::Baselines, describe::FORMAT, read_pair,
};
use crate::{
    dataset::{Epigenome, JoinSummary, Pair, Split, SplitConfig},
    error::{Error, Result},
    evaluation::Metrics,
    method::{Fit, FittedMethod, Method, Preset, Progress, Settings, TrainedNetwork, fit},
    model::WeightsFile,
    output::{OutputFolder, write_atomically},
    provenance::sha256,
    training::{History, Profile, write_histories},
};

/// What a training is asked for.
#[derive(Debug, Clone)]
pub struct TrainingPlan {
    /// Cell type A's `epigenome.parquet`.
    pub a: PathBuf,
    /// Cell type B's.
    pub b: PathBuf,
    /// The table of labels; without it they are the ratios of the expressions.
    pub labels: Option<LabelTable>,
    /// The method.
    pub method: Method,
    /// The preset that the settings started from.
    pub preset: Preset,
    /// Every setting, resolved.
    pub settings: Settings,
    /// The seed.
    pub seed: u64,
    /// Weights to start from, of the same method.
    pub initial_weights: Option<PathBuf>,
    /// The run folder to write.
    pub output: PathBuf,
    /// Whether to replace what is there.
    pub force: bool,
}

impl TrainingPlan {
    /// What the label is, in words: `log2 fold change, A over B`.
    pub fn label_in_words(&self) -> String {
        match &self.labels {
            None => self.settings.label.in_words(),
            Some(table) => LabelFile::in_words(&table.path),
        }
    }

    fn check_initial_weights(&self) -> Result<()> {
        if self.initial_weights.is_none() || self.settings.method.training().is_some() {
            return Ok(());
        }
        Err(Error::setting(
            "--init",
            format!("{} has no weights to start from", self.method),
            "Leave it out",
        ))
    }
}

/// What a training tells while it runs.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The data are read and divided.
    Prepared(&'a Prepared),
    /// Training goes on.
    Training(Progress<'a>),
    /// The networks of a method are trained.
    Trained(&'a Profile),
}

/// What the data of a training are.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What joining kept and dropped.
    pub join: JoinSummary,
    /// Genes in train, valid and test.
    pub genes: [usize; 3],
    /// The names of the two cell types.
    pub cell_types: [String; 2],
    /// Whether the files come with a split.
    pub split_in_files: bool,
    /// Whether the labels vary at all; they do not where A and B are the same.
    pub labels_vary: bool,
}

/// Trains a method and writes its run folder, whole or not at all.
///
/// # Errors
/// When data, settings or output are unusable, or training diverges.
pub fn train(
    plan: &TrainingPlan,
    report: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<RunMetrics> {
    let settings = &plan.settings;
    settings.check_for(plan.method)?;
    plan.check_initial_weights()?;
    let initial = plan.initial_weights.as_deref();
    let inputs: Vec<&Path> = [plan.a.as_path(), plan.b.as_path()]
        .into_iter()
        .chain(initial)
        .chain(plan.labels.as_ref().map(|table| table.path.as_path()))
        .collect();
    OutputFolder::check(&plan.output, plan.force, MARKER, &inputs)?;
    // Checksums are of the files that are read next, not of what may stand there
    // hours later.
    let (sha256_a, sha256_b) = rayon::join(|| sha256(&plan.a), || sha256(&plan.b));
    let (sha256_a, sha256_b) = (sha256_a?, sha256_b?);
    let labels = plan.labels.as_ref().map(label_file).transpose()?;
    let (mut pair, mut join) = read_pair(&plan.a, &plan.b, plan.labels.as_ref(), settings)?;
    pair.keep_classified(settings.label, &mut join)?;
    settings.method.check_bins(pair.bins())?;
    settings.split.assign(&mut pair)?;
    let data_file = |path: &Path, sha256: String, epigenome: &Epigenome| -> Result<DataFile> {
        Ok(DataFile {
            path: fs::canonicalize(path).map_err(Error::io("read", path))?,
            sha256,
            cell_type: epigenome.metadata.cell_type.clone(),
        })
    };
    let mut description = RunDescription {
        head: RunHead {
            format: FORMAT,
            epidelta: env!("CARGO_PKG_VERSION").into(),
            method: plan.method,
            preset: plan.preset,
            seed: plan.seed,
            weights_sha256: String::new(),
            predictions_sha256: String::new(),
            a: data_file(&plan.a, sha256_a, &pair.a)?,
            b: data_file(&plan.b, sha256_b, &pair.b)?,
            labels,
            data: DataShape::of(&pair.a),
            median_log2_expression: None,
        },
        settings: settings.clone(),
    };
    // What cannot be written must fail now rather than after the training.
    description.to_toml()?;
    report(Event::Prepared(&Prepared {
        join,
        genes: Split::ALL.map(|split| pair.in_split(split).len()),
        cell_types: [&pair.a, &pair.b].map(|e| e.metadata.cell_type.clone()),
        split_in_files: SplitConfig::is_in_files(&pair),
        labels_vary: labels_vary(&pair),
    }));

    let initial = initial.map(WeightsFile::read).transpose()?;
    let baselines = Baselines::fit(&mut pair, plan);
    let mut pair = settings.transformed(pair)?;
    let mut progress = |progress: Progress<'_>| report(Event::Training(progress));
    let fitted = fit(
        plan.method,
        &mut pair,
        settings,
        plan.seed,
        initial,
        &mut progress,
    )?;
    if let Some(profile) = &fitted.profile {
        report(Event::Trained(profile));
    }
    let all: Vec<usize> = (0..pair.genes.len()).collect();
    let predictions = fitted.model.predict(&pair, &all, &settings.label)?;
    let metrics = RunMetrics {
        best: Metrics::of(&predictions, plan.seed, None),
        baselines: baselines.beside(&predictions),
        noise_ceiling: NoiseCeilings::of_run(plan, &description.head.data, &predictions),
        epochs: epochs(&fitted, &pair, plan)?,
        choices: fitted.choices,
        fit_seconds: Some(fitted.seconds),
    };

    let folder = OutputFolder::create(&plan.output, plan.force, MARKER)?;
    let model = folder.file(FittedMethod::file_name(plan.method));
    fitted.model.save(&model)?;
    let histories: Vec<&History> = fitted.networks.iter().map(|n| &n.history).collect();
    if !histories.is_empty() {
        write_histories(&histories, &folder.file(HISTORY))?;
    }
    predictions.write(&folder.file(PREDICTIONS), false)?;
    description.head.weights_sha256 = sha256(&model)?;
    description.head.predictions_sha256 = sha256(&folder.file(PREDICTIONS))?;
    description.head.median_log2_expression = fitted.model.thresholds();
    let text = description.to_toml()?;
    write_atomically(&folder.file(MARKER), false, |out| {
        out.write_all(text.as_bytes())
    })?;
    write_atomically(&folder.file(METRICS), false, |out| {
        serde_json::to_writer_pretty(&mut *out, &metrics)?;
        writeln!(out)
    })?;
    folder.publish()?;
    Ok(metrics)
}

/// The epochs of a method's networks, if it has any.
fn epochs(fit: &Fit, pair: &Pair, plan: &TrainingPlan) -> Result<Option<Epochs>> {
    let of_networks = |of: fn(&TrainedNetwork) -> usize| -> Option<PerNetwork> {
        PerNetwork::of(&fit.networks.iter().map(of).collect::<Vec<_>>())
    };
    let best_epoch = of_networks(|network| network.best_epoch);
    let last_epoch = of_networks(|network| network.history.epochs.len());
    let (Some(best_epoch), Some(last_epoch), Some(last), Some(profile)) =
        (best_epoch, last_epoch, &fit.last, &fit.profile)
    else {
        return Ok(None);
    };
    let of_last = last.predict(pair, &pair.in_split(Split::Test), &plan.settings.label)?;
    Ok(Some(Epochs {
        best_epoch,
        last_epoch: LastEpoch {
            epoch: last_epoch,
            test: Metrics::of(&of_last, plan.seed, None).test,
        },
        seconds_per_epoch: profile.total.as_secs_f64() / last_epoch.sum().max(1) as f64,
    }))
}

fn label_file(table: &LabelTable) -> Result<LabelFile> {
    let path = &table.path;
    Ok(LabelFile {
        path: fs::canonicalize(path).map_err(Error::io("read", path))?,
        sha256: sha256(path)?,
        column: table.column.clone(),
    })
}

fn labels_vary(pair: &Pair) -> bool {
    let first = pair.genes.first().map(|gene| gene.log2_fold_change);
    pair.genes
        .iter()
        .any(|gene| Some(gene.log2_fold_change) != first)
}
