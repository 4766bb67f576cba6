//! A run: one method trained on one pair, and everything about it in one folder.
//!
//! | file | content |
//! |---|---|
//! | `run.toml` | the complete resolved settings, versions, data checksums |
//! | `model.safetensors` | the weights of the best epoch |
//! | `history.tsv` | a row per epoch |
//! | `predictions.tsv` | a row per gene |
//! | `metrics.json` | the measures per split |

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::{
    dataset::{Epigenome, JoinSummary, Mark, Pair, Split, SplitConfig, read_epigenome},
    error::{Error, Place, Result},
    evaluation::{Metrics, Predictions, SplitMetrics},
    model::{DeepDiff, ExpressionThresholds, Variant, load_weights, save_weights},
    output::{OutputFolder, write_atomically},
    provenance::sha256,
    training::{Preset, Progress, Settings, fit, predict},
};

const FORMAT: u32 = 1;
/// The file by which a run folder is known.
const MARKER: &str = "run.toml";
const WEIGHTS: &str = "model.safetensors";
const PREDICTIONS: &str = "predictions.tsv";
const METRICS: &str = "metrics.json";
const REMEDY: &str = "Give the folder that `epidelta train` wrote, complete and unchanged";

/// A dataset that a run was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Its path, absolute.
    pub path: PathBuf,
    /// Its SHA-256 checksum.
    pub sha256: String,
    /// The cell type in it.
    pub cell_type: String,
}

/// The shape of the data that a model takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataShape {
    /// The marks, in order.
    pub marks: Vec<Mark>,
    /// Bins per mark.
    pub bins: usize,
    /// Width of a bin, bp.
    pub bin_size: u32,
    /// How far the window reaches upstream of the TSS, bp.
    pub upstream: u32,
    /// How far it reaches downstream, bp.
    pub downstream: u32,
    /// Order of the bins: `genome` or `strand`.
    pub orientation: String,
    /// Unit of the signal.
    pub signal_unit: String,
    /// Unit of the expression.
    pub expression_unit: String,
}

impl DataShape {
    /// The shape of a cell type's data.
    pub fn of(epigenome: &Epigenome) -> Self {
        DataShape {
            marks: epigenome.marks.clone(),
            bins: epigenome.bins,
            bin_size: epigenome.metadata.bin_size,
            upstream: epigenome.metadata.upstream,
            downstream: epigenome.metadata.downstream,
            orientation: epigenome.metadata.orientation.name().into(),
            signal_unit: epigenome.metadata.signal_unit.clone(),
            expression_unit: epigenome.metadata.expression_unit.clone(),
        }
    }
}

/// `run.toml`: what was run, on what, with which settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunDescription {
    /// Version of this file's format.
    pub format: u32,
    /// Version of epidelta.
    pub epidelta: String,
    /// The method.
    pub method: Variant,
    /// The preset that the settings started from.
    pub preset: Preset,
    /// The seed.
    pub seed: u64,
    /// SHA-256 of `model.safetensors`.
    pub weights_sha256: String,
    /// SHA-256 of `predictions.tsv`, which tells what each gene was trained as.
    pub predictions_sha256: String,
    /// Cell type A's data.
    pub a: DataFile,
    /// Cell type B's data.
    pub b: DataFile,
    /// The shape of the data.
    pub data: DataShape,
    /// Medians of log2 expression of the training genes in A and B.
    pub median_log2_expression: ExpressionThresholds,
    /// Every setting.
    #[serde(flatten)]
    pub settings: Settings,
}

/// What a training is asked for.
#[derive(Debug, Clone)]
pub struct TrainingPlan {
    /// Cell type A's `epigenome.parquet`.
    pub a: PathBuf,
    /// Cell type B's.
    pub b: PathBuf,
    /// The method.
    pub method: Variant,
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

/// `metrics.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunMetrics {
    /// The measures of the best epoch's model per split.
    #[serde(flatten)]
    pub best: Metrics,
    /// The epoch with the highest validation Pearson r, counted from 1.
    pub best_epoch: usize,
    /// The measures of the last epoch's model on the test genes.
    pub last_epoch: LastEpoch,
    /// Mean wall-clock seconds of an epoch, validation included.
    pub seconds_per_epoch: f64,
}

/// The model as training left it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastEpoch {
    /// The number of epochs trained.
    pub epoch: usize,
    /// Its measures on the test genes.
    pub test: Option<SplitMetrics>,
}

/// What a training tells while it runs.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The data are read and divided.
    Prepared(&'a Prepared),
    /// Training goes on.
    Training(Progress<'a>),
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

/// Reads two cell types and joins them as the settings say, without splits.
///
/// # Errors
/// When a file is unusable or the two do not fit together.
pub fn read_pair(a: &Path, b: &Path, settings: &Settings) -> Result<(Pair, JoinSummary)> {
    // Two independent files: read them at once.
    let (a, b) = rayon::join(|| read_epigenome(a), || read_epigenome(b));
    let (pair, summary) = Pair::join(a?, b?, settings.label)?;
    let pair = pair.transformed(settings.input.transform)?;
    Ok((pair, summary))
}

/// Trains a method and writes its run folder, whole or not at all.
///
/// # Errors
/// When data, settings or output are unusable, or training diverges.
pub fn train(plan: &TrainingPlan, report: &mut dyn FnMut(Event<'_>)) -> Result<RunMetrics> {
    let settings = &plan.settings;
    settings.check()?;
    let initial = plan.initial_weights.as_deref();
    let inputs: Vec<&Path> = [plan.a.as_path(), plan.b.as_path()]
        .into_iter()
        .chain(initial)
        .collect();
    OutputFolder::check(&plan.output, plan.force, MARKER, &inputs)?;
    // Checksums are of the files that are read next, not of what may stand there
    // hours later.
    let (sha256_a, sha256_b) = rayon::join(|| sha256(&plan.a), || sha256(&plan.b));
    let (sha256_a, sha256_b) = (sha256_a?, sha256_b?);
    let (mut pair, join) = read_pair(&plan.a, &plan.b, settings)?;
    settings.split.assign(&mut pair)?;
    let data_file = |path: &Path, sha256: String, epigenome: &Epigenome| -> Result<DataFile> {
        Ok(DataFile {
            path: fs::canonicalize(path).map_err(Error::io("read", path))?,
            sha256,
            cell_type: epigenome.metadata.cell_type.clone(),
        })
    };
    let mut description = RunDescription {
        format: FORMAT,
        epidelta: env!("CARGO_PKG_VERSION").into(),
        method: plan.method,
        preset: plan.preset,
        seed: plan.seed,
        weights_sha256: String::new(),
        predictions_sha256: String::new(),
        a: data_file(&plan.a, sha256_a, &pair.a)?,
        b: data_file(&plan.b, sha256_b, &pair.b)?,
        data: DataShape::of(&pair.a),
        median_log2_expression: ExpressionThresholds::default(),
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

    let mut progress = |progress: Progress<'_>| report(Event::Training(progress));
    let fitted = fit(&pair, settings, plan.seed, initial, &mut progress)?;
    let all: Vec<usize> = (0..pair.genes.len()).collect();
    let predicted = |model: &DeepDiff, genes: &[usize]| Predictions {
        genes: predict(model, &settings.model, fitted.thresholds, &pair, genes),
    };
    let predictions = predicted(&fitted.best, &all);
    let of_last = predicted(&fitted.last, &pair.in_split(Split::Test));
    let metrics = RunMetrics {
        best: Metrics::of(&predictions),
        best_epoch: fitted.best_epoch,
        last_epoch: LastEpoch {
            epoch: fitted.history.epochs.len(),
            test: Metrics::of(&of_last).test,
        },
        seconds_per_epoch: fitted.seconds_per_epoch,
    };
    if let Some(gene) = predictions.first_not_finite() {
        return Err(Error::data(
            format!("the prediction for gene {gene} is not a finite number"),
            "Its signal may be extremely large: see it with epidelta inspect, or try another \
             --set input.transform",
        ));
    }

    let folder = OutputFolder::create(&plan.output, plan.force, MARKER)?;
    let weights = folder.file(WEIGHTS);
    save_weights(&fitted.best, &weights)?;
    fitted.history.write(&folder.file("history.tsv"))?;
    predictions.write(&folder.file(PREDICTIONS), false)?;
    description.weights_sha256 = sha256(&weights)?;
    description.predictions_sha256 = sha256(&folder.file(PREDICTIONS))?;
    description.median_log2_expression = fitted.thresholds;
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

fn labels_vary(pair: &Pair) -> bool {
    let first = pair.genes.first().map(|gene| gene.log2_fold_change);
    pair.genes
        .iter()
        .any(|gene| Some(gene.log2_fold_change) != first)
}

impl RunDescription {
    fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| {
            Error::data(
                format!("the run cannot be described in {MARKER}: {error}"),
                "Give paths and a seed that can be written as text",
            )
        })
    }
}

/// A trained run, read back.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its folder.
    pub path: PathBuf,
    /// `run.toml`.
    pub description: RunDescription,
}

impl Run {
    /// The files of a run folder.
    pub const FILES: [&'static str; 5] = [MARKER, WEIGHTS, "history.tsv", PREDICTIONS, METRICS];

    /// Reads a run's description.
    ///
    /// # Errors
    /// When the folder has no usable `run.toml`.
    pub fn open(path: &Path) -> Result<Self> {
        let file = path.join(MARKER);
        let text = fs::read_to_string(&file).map_err(Error::io("read", &file))?;
        let bad = |expected: &str, error: &toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map(|before| before.lines().count().max(1) as u64);
            let place = line.map_or(Place::File, Place::Line);
            Error::content(&file, place, expected, error.message().trim(), REMEDY)
        };
        let table: Table = text.parse().map_err(|e| bad("TOML", &e))?;
        if table.get("format") != Some(&Value::Integer(FORMAT.into())) {
            let found = table.get("format").map_or("none".into(), Value::to_string);
            let expected = format!("format = {FORMAT}");
            return Err(Error::content(&file, Place::File, expected, found, REMEDY));
        }
        let description = toml::from_str(&text).map_err(|e| bad("the description of a run", &e))?;
        Ok(Run {
            path: path.into(),
            description,
        })
    }

    /// The predictions that training wrote.
    ///
    /// # Errors
    /// When they cannot be read or are not those that training wrote.
    pub fn predictions(&self) -> Result<Predictions> {
        let path = self.path.join(PREDICTIONS);
        let expected = &self.description.predictions_sha256;
        check_sha256(&path, "the predictions", expected)?;
        Predictions::read(&path)
    }

    /// The measures of the run, made again from its predictions.
    ///
    /// # Errors
    /// When its predictions or `metrics.json` cannot be read.
    pub fn metrics(&self) -> Result<RunMetrics> {
        let path = self.path.join(METRICS);
        let text = fs::read(&path).map_err(Error::io("read", &path))?;
        let written: RunMetrics = serde_json::from_slice(&text).map_err(|error| {
            let expected = "the measures of a run";
            Error::content(&path, Place::File, expected, error.to_string(), REMEDY)
        })?;
        Ok(RunMetrics {
            best: Metrics::of(&self.predictions()?),
            ..written
        })
    }

    /// Predicts every gene of a pair with the run's model. A gene's split is the
    /// one that it had when the model was trained, none where it was not there.
    ///
    /// # Errors
    /// When the data are unusable or of another shape than the run's, or the
    /// weights are not those that training wrote.
    pub fn predict(&self, a: &Path, b: &Path) -> Result<(Predictions, JoinSummary)> {
        let (mut pair, summary) = read_pair(a, b, &self.description.settings)?;
        self.check_shape(&pair)?;
        let trained: HashMap<String, Option<Split>> = self
            .predictions()?
            .genes
            .into_iter()
            .map(|gene| (gene.gene_id, gene.split))
            .collect();
        for gene in 0..pair.genes.len() {
            pair.genes[gene].split = trained.get(pair.gene_id(gene)).copied().flatten();
        }
        let model = self.model()?;
        let genes: Vec<usize> = (0..pair.genes.len()).collect();
        let predictions = Predictions {
            genes: predict(
                &model,
                &self.description.settings.model,
                self.description.median_log2_expression,
                &pair,
                &genes,
            ),
        };
        match predictions.first_not_finite() {
            None => Ok((predictions, summary)),
            Some(gene) => Err(Error::data(
                format!("the prediction for gene {gene} is not a finite number"),
                "Its signal may be extremely large: see it with epidelta inspect",
            )),
        }
    }

    fn check_shape(&self, pair: &Pair) -> Result<()> {
        let (trained, given) = (&self.description.data, DataShape::of(&pair.a));
        if *trained == given {
            return Ok(());
        }
        let words = |shape: &DataShape| {
            format!(
                "{} bins of {} bp, {} bp upstream and {} bp downstream, in {} orientation, \
                 of {} ({}), expression in {}",
                shape.bins,
                shape.bin_size,
                shape.upstream,
                shape.downstream,
                shape.orientation,
                shape.marks.join(", "),
                shape.signal_unit,
                shape.expression_unit
            )
        };
        Err(Error::data(
            format!(
                "the run was trained on {}; the data given have {}",
                words(trained),
                words(&given)
            ),
            "Make the data with the same marks, in the same order, and the same bins",
        ))
    }

    /// The run's model with its trained weights.
    ///
    /// # Errors
    /// When the weights are missing or not those that training wrote.
    pub fn model(&self) -> Result<DeepDiff> {
        let path = self.path.join(WEIGHTS);
        check_sha256(&path, "the weights", &self.description.weights_sha256)?;
        let settings = &self.description.settings;
        let marks = self.description.data.marks.len();
        let model = DeepDiff::new(&settings.model, marks, 0, &Device::flex())?;
        load_weights(model, &path)
    }
}

fn check_sha256(path: &Path, what: &str, expected: &str) -> Result<()> {
    let found = sha256(path)?;
    if found == expected {
        return Ok(());
    }
    let expected = format!("{what} with SHA-256 {expected}");
    Err(Error::content(path, Place::File, expected, found, REMEDY))
}
