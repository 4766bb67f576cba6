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
    dataset::{Epigenome, JoinSummary, Mark, Pair, Split, read_epigenome},
    error::{Error, Place, Result},
    evaluation::{Metrics, Predictions, SplitMetrics},
    model::{DeepDiff, ExpressionThresholds, Variant, load_weights, save_weights},
    output::{OutputFolder, write_atomically},
    provenance::sha256,
    training::{Fitted, Preset, Progress, Settings, fit, predict},
};

const FORMAT: u32 = 1;
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
    /// Order of the bins: `genome` or `strand`.
    pub orientation: String,
    /// Unit of the signal.
    pub signal_unit: String,
}

impl DataShape {
    /// The shape of a cell type's data.
    pub fn of(epigenome: &Epigenome) -> Self {
        DataShape {
            marks: epigenome.marks.clone(),
            bins: epigenome.bins,
            bin_size: epigenome.metadata.bin_size,
            orientation: epigenome.metadata.orientation.name().into(),
            signal_unit: epigenome.metadata.signal_unit.clone(),
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
    let folder = OutputFolder::create(&plan.output, plan.force)?;
    let settings = &plan.settings;
    settings.check()?;
    let (mut pair, join) = read_pair(&plan.a, &plan.b, settings)?;
    settings.split.assign(&mut pair, plan.seed)?;
    report(Event::Prepared(&Prepared {
        join,
        genes: Split::ALL.map(|split| pair.in_split(split).len()),
        cell_types: [&pair.a, &pair.b].map(|e| e.metadata.cell_type.clone()),
    }));

    let initial = plan.initial_weights.as_deref();
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
    write_run(&folder, plan, &pair, &fitted, &predictions, &metrics)?;
    folder.publish()?;
    Ok(metrics)
}

fn write_run(
    folder: &OutputFolder,
    plan: &TrainingPlan,
    pair: &Pair,
    fitted: &Fitted,
    predictions: &Predictions,
    metrics: &RunMetrics,
) -> Result<()> {
    let weights = folder.file("model.safetensors");
    save_weights(&fitted.best, &weights)?;
    let data_file = |path: &Path, epigenome: &Epigenome| -> Result<DataFile> {
        Ok(DataFile {
            path: fs::canonicalize(path).map_err(Error::io("read", path))?,
            sha256: sha256(path)?,
            cell_type: epigenome.metadata.cell_type.clone(),
        })
    };
    let description = RunDescription {
        format: FORMAT,
        epidelta: env!("CARGO_PKG_VERSION").into(),
        method: plan.method,
        preset: plan.preset,
        seed: plan.seed,
        weights_sha256: sha256(&weights)?,
        a: data_file(&plan.a, &pair.a)?,
        b: data_file(&plan.b, &pair.b)?,
        data: DataShape::of(&pair.a),
        median_log2_expression: fitted.thresholds,
        settings: plan.settings.clone(),
    };
    let path = folder.file("run.toml");
    let text = toml::to_string(&description)
        .map_err(|e| Error::io("write", &path)(std::io::Error::other(e)))?;
    write_atomically(&path, false, |out| out.write_all(text.as_bytes()))?;
    fitted.history.write(&folder.file("history.tsv"))?;
    predictions.write(&folder.file("predictions.tsv"), false)?;
    let path = folder.file("metrics.json");
    let text =
        serde_json::to_string_pretty(metrics).map_err(|e| Error::io("write", &path)(e.into()))?;
    write_atomically(&path, false, |out| writeln!(out, "{text}"))
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
    /// Reads a run's description.
    ///
    /// # Errors
    /// When the folder has no usable `run.toml`.
    pub fn open(path: &Path) -> Result<Self> {
        let file = path.join("run.toml");
        let text = fs::read_to_string(&file).map_err(Error::io("read", &file))?;
        let bad = |place: Place, expected: &str, found: String| {
            Error::content(&file, place, expected, found, REMEDY)
        };
        let table: Table = text
            .parse()
            .map_err(|e: toml::de::Error| bad(Place::File, "TOML", e.message().into()))?;
        if table.get("format") != Some(&Value::Integer(FORMAT.into())) {
            let found = table.get("format").map_or("none".into(), Value::to_string);
            return Err(bad(Place::File, &format!("format = {FORMAT}"), found));
        }
        let description = table.try_into().map_err(|e: toml::de::Error| {
            bad(
                Place::File,
                "the description of a run",
                e.message().trim().to_owned(),
            )
        })?;
        Ok(Run {
            path: path.into(),
            description,
        })
    }

    /// The predictions that training wrote.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn predictions(&self) -> Result<Predictions> {
        Predictions::read(&self.path.join("predictions.tsv"))
    }

    /// The measures of the run, made again from its predictions.
    ///
    /// # Errors
    /// When its predictions or `metrics.json` cannot be read.
    pub fn metrics(&self) -> Result<RunMetrics> {
        let path = self.path.join("metrics.json");
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
        let predictions = predict(
            &model,
            &self.description.settings.model,
            self.description.median_log2_expression,
            &pair,
            &genes,
        );
        Ok((Predictions { genes: predictions }, summary))
    }

    fn check_shape(&self, pair: &Pair) -> Result<()> {
        let (trained, given) = (&self.description.data, DataShape::of(&pair.a));
        if *trained == given {
            return Ok(());
        }
        let words = |shape: &DataShape| {
            format!(
                "{} bins of {} bp in {} orientation, unit {}, of {}",
                shape.bins,
                shape.bin_size,
                shape.orientation,
                shape.signal_unit,
                shape.marks.join(", ")
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
        let path = self.path.join("model.safetensors");
        let checksum = sha256(&path)?;
        if checksum != self.description.weights_sha256 {
            return Err(Error::content(
                &path,
                Place::File,
                format!(
                    "the weights with SHA-256 {}",
                    self.description.weights_sha256
                ),
                checksum,
                REMEDY,
            ));
        }
        let settings = &self.description.settings;
        let marks = self.description.data.marks.len();
        let model = DeepDiff::new(&settings.model, marks, 0, &Device::flex())?;
        load_weights(model, &path)
    }
}
