//! A run read back: its measures, and predictions for any pair of cell types.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    DataFile, DataFiles, DataShape, HISTORY, LabelTable, LoadedCells, MARKER, METRICS,
    METRICS_SEAL, NoiseCeilings, PREDICTIONS, ReadData, RunDescription, RunMetrics,
    train::check_marks, unfinished::is_unfinished,
};
use crate::{
    dataset::{JoinSummary, Pair, PairList, Split},
    error::{Error, Place, Result},
    evaluation::{Metrics, Predictions},
    method::FittedMethod,
    model::{DataSize, WeightsFile},
    provenance::{seal, sha256},
};

const REMEDY: &str = "Give the folder that `epidelta train` wrote, complete and unchanged";

/// What a run predicts of some data.
#[derive(Debug)]
pub struct Predicted {
    /// The predictions, one per gene of each pair.
    pub predictions: Predictions,
    /// What joining the cell types kept and dropped.
    pub join: JoinSummary,
    /// How high Pearson r could be, where the expression is in reads.
    pub noise_ceiling: Option<NoiseCeilings>,
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
    /// The files that a run folder may have.
    pub const FILES: [&'static str; 7] = [
        MARKER,
        FittedMethod::FILES[0],
        FittedMethod::FILES[1],
        FittedMethod::FILES[2],
        HISTORY,
        PREDICTIONS,
        METRICS,
    ];

    /// Opens a run, and checks that each of its files is the one that training wrote.
    ///
    /// # Errors
    /// When the folder has no usable `run.toml`, or a file is missing or was changed.
    pub fn open(path: &Path) -> Result<Self> {
        let run = Run {
            path: path.into(),
            description: Self::describe(path)?,
        };
        run.check()?;
        Ok(run)
    }

    /// What a run's folder says that it is. Its other files are not looked at.
    ///
    /// # Errors
    /// When the folder has no usable `run.toml`.
    pub fn describe(path: &Path) -> Result<RunDescription> {
        let file = path.join(MARKER);
        if !file.exists() && is_unfinished(path) {
            return Err(Error::data(
                format!("{} is a training that is not finished", path.display()),
                "Let it end, or go on with it: epidelta train ... --resume",
            ));
        }
        RunDescription::read(&file, REMEDY)
    }

    /// The predictions that training wrote.
    ///
    /// # Errors
    /// When they cannot be read or are not those that training wrote.
    pub fn predictions(&self) -> Result<Predictions> {
        self.check_predictions()?;
        Predictions::read(&self.path.join(PREDICTIONS))
    }

    fn check_predictions(&self) -> Result<()> {
        let expected = &self.description.head.predictions_sha256;
        check_sha256(&self.path.join(PREDICTIONS), "the predictions", expected)
    }

    /// The measures of the run, made again from its predictions.
    ///
    /// # Errors
    /// As [`Run::measured`].
    pub fn metrics(&self) -> Result<RunMetrics> {
        Ok(self.measured()?.0)
    }

    /// The measures that training wrote.
    ///
    /// # Errors
    /// When `metrics.json` cannot be read.
    pub fn written_metrics(&self) -> Result<RunMetrics> {
        let path = self.path.join(METRICS);
        let text = fs::read(&path).map_err(Error::io("read", &path))?;
        if self.description.is_sealed() {
            seal::check(&path, seal::is_whole(&text, METRICS_SEAL), REMEDY)?;
        }
        serde_json::from_slice(&text).map_err(|error| {
            let expected = "the measures of a run";
            Error::content(&path, Place::File, expected, error.to_string(), REMEDY)
        })
    }

    /// Checks that the run is whole: that its measures, history, predictions and model are
    /// there and are those that training wrote.
    fn check(&self) -> Result<()> {
        self.written_metrics()?;
        self.check_predictions()?;
        if let Some(expected) = &self.description.head.history_sha256 {
            check_sha256(&self.path.join(HISTORY), "the history", expected)?;
        }
        self.check_model()
    }

    /// The measures of the run, made again from its predictions, and these.
    ///
    /// # Errors
    /// When its predictions or `metrics.json` cannot be read.
    pub fn measured(&self) -> Result<(RunMetrics, Predictions)> {
        let written = self.written_metrics()?;
        let predictions = self.predictions()?;
        let metrics = RunMetrics {
            best: Metrics::of(&predictions, self.description.head.seed, None),
            ..written
        };
        Ok((metrics, predictions))
    }

    /// Reads a pair, or several, as the run's model sees them. A gene's split is the one that
    /// it had when the model was trained, none where it was not there.
    ///
    /// # Errors
    /// When the data are unusable or of another shape than the run's.
    pub fn read(&self, data: &DataFiles) -> Result<ReadData> {
        let RunDescription { head, settings } = &self.description;
        let read = data.read(settings, Some(head), &LoadedCells::default())?;
        check_marks(head.method, settings, &read.join)?;
        self.check_shape(&read.pair)?;
        let mut pair = settings.transformed(read.pair);
        pair.identify(&head.cell_names(), |name| self.description.trained(name));
        self.put_splits(&mut pair)?;
        if !head.pairs.is_empty() {
            // What the run held out is new to it, and so is what it never saw.
            let names = head.cell_names();
            let known = |name: &str| names.iter().any(|known| known == name);
            let mut held_out = settings.split.holds_out_cells();
            if pair.cell_names().iter().any(|name| !known(name)) {
                held_out.insert(Split::Test);
            }
            let mut of_run = pair.of_several();
            of_run.hold_out_cells(held_out, |cell_types| {
                match cell_types.into_iter().all(known) {
                    true => settings.split.cell_split(cell_types),
                    false => Split::Test,
                }
            });
            pair = of_run;
        }
        Ok(ReadData { pair, ..read })
    }

    /// Predicts every gene of a pair, or of several, with the run's model. The observed values
    /// are the ratios of the expressions, or those of a table.
    ///
    /// # Errors
    /// As [`Run::read`], and when the weights are not those that training wrote.
    pub fn predict(&self, data: &DataFiles) -> Result<Predicted> {
        let RunDescription { head, settings } = &self.description;
        let ReadData { pair, join, .. } = self.read(data)?;
        let genes: Vec<usize> = (0..pair.genes.len()).collect();
        let predictions = self.model()?.predict(&pair, &genes, &settings.label)?;
        Ok(Predicted {
            noise_ceiling: match data.labels() {
                None => NoiseCeilings::of_pair(&pair, &settings.label, head.seed),
                Some(_) => None,
            },
            predictions,
            join,
        })
    }

    /// The data that the run was trained on, where they still are as they were.
    ///
    /// # Errors
    /// When a file is missing or another than in training.
    pub fn data(&self) -> Result<DataFiles> {
        let head = &self.description.head;
        let files = [&head.a, &head.b].into_iter().flatten();
        let files: Vec<&DataFile> = files.chain(&head.cell_types).collect();
        let tables = head.labels.iter();
        let checksums = files.iter().map(|file| (&file.path, &file.sha256));
        for (path, expected) in checksums.chain(tables.map(|table| (&table.path, &table.sha256))) {
            let moved = |problem: String| {
                let remedy = "Give the data with --a and --b, or with --pairs";
                Err(Error::data(problem, remedy))
            };
            let path_shown = path.display();
            if !path.exists() {
                return moved(format!(
                    "{path_shown}, which the run was trained on, is not there"
                ));
            }
            if sha256(path)? != *expected {
                return moved(format!(
                    "{path_shown} is not what the run was trained on any more"
                ));
            }
        }
        if let (Some(a), Some(b)) = (&head.a, &head.b) {
            return Ok(DataFiles::Pair {
                a: a.path.clone(),
                b: b.path.clone(),
                labels: head.labels.as_ref().map(|table| LabelTable {
                    path: table.path.clone(),
                    column: table.column.clone(),
                }),
            });
        }
        let names = head.cell_names();
        let place = |name: &String| {
            names.iter().position(|known| known == name).ok_or_else(|| {
                let problem = format!("a pair of the run names the unknown cell type {name}");
                Error::data(problem, REMEDY)
            })
        };
        let pairs = head.pairs.iter();
        Ok(DataFiles::Pairs(PairList {
            table: None,
            files: files.into_iter().map(|file| file.path.clone()).collect(),
            pairs: pairs
                .map(|[a, b]| Ok([place(a)?, place(b)?]))
                .collect::<Result<_>>()?,
        }))
    }

    /// Gives the genes of the run the splits that they had in its training.
    ///
    /// # Errors
    /// As [`Run::predictions`].
    pub(super) fn put_splits(&self, pair: &mut Pair) -> Result<()> {
        let genes = self.predictions()?.genes.into_iter();
        let splits: HashMap<String, Option<Split>> = genes
            .map(|gene| match gene.of_pair {
                Some(of_pair) => (gene.gene_id, of_pair.gene_split),
                None => (gene.gene_id, gene.split),
            })
            .collect();
        for gene in 0..pair.genes.len() {
            if let Some(&Some(split)) = splits.get(pair.gene_id(gene)) {
                pair.genes[gene].split = Some(split);
            }
        }
        Ok(())
    }

    /// The weights of the run's networks, for networks of these cell types.
    ///
    /// # Errors
    /// As [`Run::check_model`].
    pub fn weights_for(&self, cell_types: &[String]) -> Result<WeightsFile> {
        self.check_model()?;
        let weights = WeightsFile::read(&self.model_path())?;
        let names = self.description.head.cell_names().into_iter();
        let trained: Vec<Option<String>> = names
            .map(|name| Some(name).filter(|name| self.description.trained(name)))
            .collect();
        Ok(weights.for_cell_types(&trained, cell_types))
    }

    pub(super) fn check_shape(&self, pair: &Pair) -> Result<()> {
        let (trained, given) = (&self.description.head.data, DataShape::of(&pair.cells[0]));
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

    /// Checks that the file of what the run learned is the one that training wrote.
    ///
    /// # Errors
    /// When it is missing or another.
    pub fn check_model(&self) -> Result<()> {
        let expected = &self.description.head.weights_sha256;
        check_sha256(&self.model_path(), "the model", expected)
    }

    fn model_path(&self) -> PathBuf {
        let method = self.description.head.method;
        self.path.join(FittedMethod::file_name(method))
    }

    /// What the run learned.
    ///
    /// # Errors
    /// As [`Run::check_model`], and when the file is not of the run's method and data.
    pub fn model(&self) -> Result<FittedMethod> {
        self.check_model()?;
        let RunDescription { head, settings } = &self.description;
        let path = self.model_path();
        let size = DataSize {
            marks: head.data.marks.len(),
            bins: head.data.bins,
            cell_types: head.cell_names().len(),
        };
        FittedMethod::load(&path, settings, size, head.median_log2_expression)
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
