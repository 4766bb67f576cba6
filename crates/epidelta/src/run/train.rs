//! From two files to a run folder.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    DataFiles, DataShape, Epochs, HISTORY, InitialWeights, LabelFile, LastEpoch, LoadedCells,
    MARKER, METRICS, NoiseCeilings, PREDICTIONS, PerNetwork, ReadData, Run, RunDescription,
    RunHead, RunMetrics,
    baselines::Baselines,
    describe::FORMAT,
    unfinished::{Start, UnfinishedRun},
};
use crate::{
    dataset::{JoinSummary, Mark, Pair, Split, SplitConfig},
    error::{Error, Result},
    evaluation::{Metrics, pearson_r},
    interrupt::Interrupt,
    method::{Fit, FittedMethod, Method, Preset, Progress, Settings, TrainedNetwork, fit},
    model::WeightsFile,
    output::write_atomically,
    provenance::sha256,
    training::{History, Profile, write_histories},
};

/// How often a network keeps its state within an epoch, if nothing else is asked for.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(300);

/// What a training is asked for.
#[derive(Debug, Clone)]
pub struct TrainingPlan {
    /// The cell types.
    pub data: DataFiles,
    /// The method.
    pub method: Method,
    /// The preset that the settings started from.
    pub preset: Preset,
    /// Every setting, resolved.
    pub settings: Settings,
    /// The seed.
    pub seed: u64,
    /// Weights to start from, of the same method: a run's folder or a file.
    pub initial_weights: Option<PathBuf>,
    /// The run folder to write.
    pub output: PathBuf,
    /// Whether to replace what is there.
    pub force: bool,
    /// Whether to go on with a training of the same settings and data that was interrupted, or
    /// to take the run that is there if it was not. With `force` what is there otherwise is
    /// replaced.
    pub resume: bool,
    /// How often a network in training keeps its state within an epoch; after each epoch
    /// besides.
    pub checkpoint_every: Duration,
    /// What asks the training to stop.
    pub interrupt: Interrupt,
    /// The cell types that are in memory, for other trainings with these at the same time.
    pub loaded: LoadedCells,
}

impl TrainingPlan {
    /// A training with seed 1 into a new folder, with nothing to start or to go on from.
    pub fn new(
        data: DataFiles,
        method: Method,
        preset: Preset,
        settings: Settings,
        output: PathBuf,
    ) -> Self {
        TrainingPlan {
            data,
            method,
            preset,
            settings,
            seed: 1,
            initial_weights: None,
            output,
            force: false,
            resume: false,
            checkpoint_every: CHECKPOINT_EVERY,
            interrupt: Interrupt::default(),
            loaded: LoadedCells::default(),
        }
    }

    /// What the label is, in words: `log2 fold change, A over B`.
    pub fn label_in_words(&self) -> String {
        match self.data.labels() {
            None => self.settings.label.in_words(),
            Some(table) => LabelFile::in_words(&table.path),
        }
    }

    fn check_initial_weights(&self) -> Result<()> {
        let training = self.settings.method.training();
        if self.initial_weights.is_none() && training.is_some_and(|t| t.freeze_encoders) {
            return Err(Error::setting(
                "training.freeze_encoders",
                "there are no weights to start from, so the encoders would stay random",
                "Give a run with --init",
            ));
        }
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
    /// Nothing is left to be done: the run was finished before.
    Finished,
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
    /// The names of the cell types A and B of every pair.
    pub pairs: Vec<[String; 2]>,
    /// Whether the files come with a split.
    pub split_in_files: bool,
    /// Whether the labels vary at all; they do not where A and B are the same.
    pub labels_vary: bool,
}

/// Trains a method and writes its run folder, whole or not at all. Until then the folder holds
/// nothing but `checkpoint/`, from which a training that was interrupted goes on.
///
/// # Errors
/// When data, settings or output are unusable, training diverges, or what is there is of other
/// settings or data; [`Error::Interrupted`] when the plan's interrupt is requested.
pub fn train(
    plan: &TrainingPlan,
    report: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<RunMetrics> {
    let settings = &plan.settings;
    settings.check_for(plan.method)?;
    plan.check_initial_weights()?;
    let initial = plan.initial_weights.as_deref();
    let data = plan.data.paths();
    let data = data.iter().map(PathBuf::as_path);
    let inputs: Vec<&Path> = data.chain(initial).collect();
    UnfinishedRun::check(plan, &inputs)?;
    let folder = initial.filter(|path| path.is_dir());
    let start = folder.map(|path| start(path, plan)).transpose()?;
    let ReadData {
        mut pair,
        mut join,
        files,
        labels,
        common_library_size,
    } = plan.data.read(
        settings,
        start.as_ref().map(|run| &run.description.head),
        &plan.loaded,
    )?;
    check_marks(plan.method, settings, &join)?;
    if pair.is_of_several() && settings.method.is_per_cell() {
        return Err(Error::setting(
            "--pairs",
            format!(
                "{} is a network for A and one for B, of one pair",
                plan.method
            ),
            "Choose another method, such as epidelta, or give one pair with --a and --b",
        ));
    }
    pair.keep_classified(settings.label, &mut join)?;
    settings.method.check_bins(pair.bins())?;
    if let Some(run) = &start {
        run.check_shape(&pair)?;
    }
    settings.split.assign(&mut pair)?;
    if let Some(run) = &start {
        keep_splits(run, &mut pair)?;
    }
    let names = pair.names();
    let (of_pair, cell_types, pairs) = match &plan.data {
        DataFiles::Pair { .. } => (files, Vec::new(), Vec::new()),
        DataFiles::Pairs(_) => (Vec::new(), files, names.clone()),
    };
    let mut of_pair = of_pair.into_iter();
    let description = RunDescription {
        head: RunHead {
            format: FORMAT,
            epidelta: env!("CARGO_PKG_VERSION").into(),
            method: plan.method,
            preset: plan.preset,
            seed: plan.seed,
            weights_sha256: String::new(),
            predictions_sha256: String::new(),
            history_sha256: None,
            initial_weights: initial
                .map(|path| initial_weights(path, start.as_ref()))
                .transpose()?,
            a: of_pair.next(),
            b: of_pair.next(),
            cell_types,
            pairs,
            labels,
            common_library_size,
            data: DataShape::of(&pair.cells[0]),
            median_log2_expression: None,
        },
        settings: settings.clone(),
    };
    let weights = match (initial, &start) {
        (_, Some(run)) => Some(run.weights_for(&pair.cell_names())?),
        (Some(file), None) => Some(WeightsFile::read(file)?),
        (None, None) => None,
    };
    // What cannot be described must fail now rather than after the training.
    let unfinished = match UnfinishedRun::open(plan, &description)? {
        Start::Finished(run) => {
            report(Event::Finished);
            return run.metrics();
        }
        Start::Unfinished(unfinished) => unfinished,
    };
    plan.interrupt.begin();
    report(Event::Prepared(&Prepared {
        join,
        genes: Split::ALL.map(|split| pair.in_split(split).len()),
        pairs: names,
        split_in_files: SplitConfig::is_in_files(&pair),
        labels_vary: labels_vary(&pair),
    }));

    let made = make(plan, pair, weights, description, &unfinished, report);
    match &made {
        Ok(_) => unfinished.publish()?,
        // These are no reason not to go on.
        Err(Error::Interrupted | Error::Io { .. } | Error::NoSpace { .. }) => {}
        Err(_) => unfinished.fail(),
    }
    made
}

/// Fits the method and writes the results to where they are published from.
fn make(
    plan: &TrainingPlan,
    mut pair: Pair,
    initial: Option<WeightsFile>,
    mut description: RunDescription,
    unfinished: &UnfinishedRun,
    report: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<RunMetrics> {
    let settings = &plan.settings;
    let baselines = Baselines::fit(&mut pair, plan);
    let mut pair = settings.transformed(pair);
    let mut progress = |progress: Progress<'_>| report(Event::Training(progress));
    let fitted = fit(
        plan.method,
        &mut pair,
        settings,
        plan.seed,
        initial,
        Some(&unfinished.checkpoints(plan)?),
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
        noise_ceiling: match plan.data.labels() {
            None => NoiseCeilings::of_pair(&pair, &settings.label, plan.seed),
            Some(_) => None,
        },
        epochs: epochs(&fitted, &pair, plan)?,
        choices: fitted.choices.clone(),
        valid_pearson_r_without: without_marks(&fitted.model, &mut pair, plan)?,
        fit_seconds: Some(fitted.seconds),
    };

    let file = unfinished.results()?;
    let model = file(FittedMethod::file_name(plan.method));
    fitted.model.save(&model)?;
    let histories: Vec<&History> = fitted.networks.iter().map(|n| &n.history).collect();
    if !histories.is_empty() {
        let names = fitted.network_names();
        let column = names.as_ref().map(|(column, names)| (*column, &names[..]));
        write_histories(&histories, column, &file(HISTORY))?;
        description.head.history_sha256 = Some(sha256(&file(HISTORY))?);
    }
    predictions.write(&file(PREDICTIONS), false)?;
    metrics.write(&file(METRICS))?;
    description.head.weights_sha256 = sha256(&model)?;
    description.head.predictions_sha256 = sha256(&file(PREDICTIONS))?;
    description.head.median_log2_expression = fitted.model.thresholds();
    let text = description.to_toml()?;
    write_atomically(&file(MARKER), false, |out| out.write_all(&text))?;
    Ok(metrics)
}

/// What the run tells of the weights that it starts from.
fn initial_weights(path: &Path, run: Option<&Run>) -> Result<InitialWeights> {
    Ok(InitialWeights {
        path: fs::canonicalize(path).map_err(Error::io("read", path))?,
        sha256: match run {
            Some(run) => run.description.head.weights_sha256.clone(),
            None => sha256(path)?,
        },
    })
}

/// How good a network is without each mark. Data of one mark cannot do without it.
fn without_marks(
    model: &FittedMethod,
    pair: &mut Pair,
    plan: &TrainingPlan,
) -> Result<BTreeMap<Mark, Option<f64>>> {
    let settings = &plan.settings;
    let marks = pair.marks().to_vec();
    if settings.method.training().is_none() || marks.len() == 1 {
        return Ok(BTreeMap::new());
    }
    let valid = pair.in_split(Split::Valid);
    let of_mark = |(index, mark): (usize, Mark)| {
        let predictions =
            pair.without_mark(index, |pair| model.predict(pair, &valid, &settings.label))?;
        let genes = predictions.genes.iter();
        let (observed, predicted): (Vec<f64>, Vec<f64>) = genes
            .map(|gene| (gene.observed, f64::from(gene.predicted)))
            .unzip();
        Ok((mark, pearson_r(&observed, &predicted)))
    };
    marks.into_iter().enumerate().map(of_mark).collect()
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
    let epochs_in_all = last_epoch.sum().max(1);
    Ok(Some(Epochs {
        best_epoch,
        last_epoch: LastEpoch {
            epoch: last_epoch,
            test: Metrics::of(&of_last, plan.seed, None).test,
        },
        seconds_per_epoch: profile.total.as_secs_f64() / epochs_in_all as f64,
    }))
}

/// The run to start from.
fn start(path: &Path, plan: &TrainingPlan) -> Result<Run> {
    let run = Run::open(path)?;
    let (method, of_run) = (plan.method, run.description.head.method);
    if of_run != method {
        return Err(Error::setting(
            "--init",
            format!("{} is a run of {of_run}, not of {method}", path.display()),
            format!("Give a run of {method}, or --method {of_run}"),
        ));
    }
    let (own, of_run) = (&plan.settings, &run.description.settings);
    if own.label != of_run.label || own.input != of_run.input {
        return Err(Error::setting(
            "--init",
            format!("{} learned from other labels or signal", path.display()),
            "Take the run's [label] and [input] from its run.toml, with --set",
        ));
    }
    let split = &own.split;
    let held_out = split.valid_cell_types.iter().chain(&split.test_cell_types);
    if let Some(name) = held_out.clone().find(|name| run.description.trained(name)) {
        return Err(Error::setting(
            "--init",
            format!(
                "{} was trained on {name}, which is to be held out",
                path.display()
            ),
            "Hold out cell types that the run has not seen",
        ));
    }
    Ok(run)
}

/// Leaves the genes of a run in their splits: those that trained it cannot test what goes on
/// from it.
fn keep_splits(run: &Run, pair: &mut Pair) -> Result<()> {
    run.put_splits(pair)?;
    match pair.empty_split() {
        None => Ok(()),
        Some(split) => Err(Error::data(
            format!("no {split} gene is left, with the genes of the run in the run's splits"),
            "Give data of the run's genes",
        )),
    }
}

/// Refuses data in which a cell type lacks a mark, where the method cannot do without.
pub(crate) fn check_marks(method: Method, settings: &Settings, join: &JoinSummary) -> Result<()> {
    let needs_all = settings.method.training().is_none();
    match join.lacking.first() {
        Some((cell_type, mark)) if needs_all => Err(Error::data(
            format!("{cell_type} has no {mark}, and {method} needs every mark"),
            "Make all files with the same marks, or take a method made of a network, which \
             does without",
        )),
        _ => Ok(()),
    }
}

fn labels_vary(pair: &Pair) -> bool {
    let first = pair.genes.first().map(|gene| gene.log2_fold_change);
    pair.genes
        .iter()
        .any(|gene| Some(gene.log2_fold_change) != first)
}
