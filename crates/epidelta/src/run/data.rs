//! The data of a training or a prediction: a pair of cell types, or a list of pairs.

use std::{path::PathBuf, sync::Arc};

use rayon::prelude::*;

use super::{DataFile, LabelFile, LoadedCells, RunHead};
use crate::{
    dataset::{Epigenome, JoinSummary, Pair, PairList, Split, shared_marks},
    error::{Error, Result},
    expression::read_fold_changes,
    method::Settings,
};

/// A table that labels are taken from: the differential table of DESeq2, edgeR or
/// limma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelTable {
    /// The table.
    pub path: PathBuf,
    /// The column with the log2 fold change; by its usual names where not given.
    pub column: Option<String>,
}

/// Which data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataFiles {
    /// Two cell types.
    Pair {
        /// Cell type A's `epigenome.parquet`.
        a: PathBuf,
        /// Cell type B's.
        b: PathBuf,
        /// The table of labels; without it they are the ratios of the expressions.
        labels: Option<LabelTable>,
    },
    /// The pairs of a list, such as [`read_pairs`](crate::dataset::read_pairs) reads.
    Pairs(PairList),
}

/// Data read and joined.
#[derive(Debug)]
pub struct ReadData {
    /// The pairs, without splits; [`Settings::transformed`] makes of their signal what the
    /// method sees.
    pub pair: Pair,
    /// What joining kept and dropped.
    pub join: JoinSummary,
    /// The cell types' files, in the order of [`Pair::cells`].
    pub files: Vec<DataFile>,
    /// The table of labels.
    pub labels: Option<LabelFile>,
    /// The library size that expression is scaled to, if it is.
    pub common_library_size: Option<f64>,
}

/// Cell types joined by gene.
pub(crate) struct Joined {
    pub pair: Pair,
    pub join: JoinSummary,
    pub common_library_size: Option<f64>,
}

/// Joins pairs of cell types as the settings say. The marks, and the library size that
/// expression is scaled to, are those of a run, or else of what trains.
pub(crate) fn join_cells(
    cells: Vec<Epigenome>,
    pairs: &[[usize; 2]],
    settings: &Settings,
    of_run: Option<&RunHead>,
) -> Result<Joined> {
    let common_library_size = match of_run {
        Some(run) if run.common_library_size.is_some() => run.common_library_size,
        _ => {
            let normalization = settings.label.normalization;
            normalization.common_library_size(&cells, |cell| {
                let name = cell.metadata.cell_type.as_str();
                settings.split.cell_split([name, name]) == Split::Train
            })
        }
    };
    let marks = match of_run {
        Some(run) => run.data.marks.clone(),
        None => {
            // What no network would learn is no input of one.
            let name = |cell: usize| cells[cell].metadata.cell_type.clone();
            let trains = |pair: &[usize; 2]| settings.split.trains(&pair.map(name));
            let train: Vec<[usize; 2]> = pairs.iter().copied().filter(trains).collect();
            shared_marks(&cells, if train.is_empty() { pairs } else { &train })
        }
    };
    let (pair, join) = Pair::join_all(
        cells,
        pairs,
        Some(&marks),
        settings.label,
        common_library_size,
    )?;
    Ok(Joined {
        pair,
        join,
        common_library_size,
    })
}

impl DataFiles {
    /// The table of labels, if there is one.
    pub fn labels(&self) -> Option<&LabelTable> {
        match self {
            DataFiles::Pair { labels, .. } => labels.as_ref(),
            DataFiles::Pairs(_) => None,
        }
    }

    /// The file of each cell type.
    pub fn cell_files(&self) -> Vec<PathBuf> {
        match self {
            DataFiles::Pair { a, b, .. } => vec![a.clone(), b.clone()],
            DataFiles::Pairs(list) => list.files.clone(),
        }
    }

    /// The number of pairs.
    pub fn pairs(&self) -> usize {
        match self {
            DataFiles::Pair { .. } => 1,
            DataFiles::Pairs(list) => list.pairs.len(),
        }
    }

    /// Every file that is read.
    pub fn paths(&self) -> Vec<PathBuf> {
        match self {
            DataFiles::Pair { a, b, labels } => {
                let labels = labels.iter().map(|table| &table.path);
                [a, b].into_iter().chain(labels).cloned().collect()
            }
            DataFiles::Pairs(list) => list.table.iter().chain(&list.files).cloned().collect(),
        }
    }

    /// Reads the cell types and joins them as the settings say, without splits. The marks, and
    /// the library size that expression is scaled to, are those of a run, or else of the data.
    /// Cell types that are loaded already are not read again.
    ///
    /// # Errors
    /// When a file is unusable or they do not fit together.
    pub fn read(
        &self,
        settings: &Settings,
        of_run: Option<&RunHead>,
        loaded: &LoadedCells,
    ) -> Result<ReadData> {
        let paths = self.cell_files();
        let pairs = match self {
            DataFiles::Pair { .. } => vec![[0, 1]],
            DataFiles::Pairs(list) => list.pairs.clone(),
        };
        let read = paths.par_iter().map(|path| {
            let cell = Arc::unwrap_or_clone(loaded.read(path)?);
            Ok((cell.file, cell.epigenome))
        });
        let (files, cells): (Vec<DataFile>, Vec<Epigenome>) =
            read.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let labels = self.labels().map(LabelFile::of).transpose()?;
        self.check_names(&files)?;
        let Joined {
            mut pair,
            mut join,
            common_library_size,
        } = join_cells(cells, &pairs, settings, of_run)?;
        if let Some(LabelTable { path, column }) = self.labels() {
            let table = read_fold_changes(path, column.as_deref())?;
            pair.take_labels(&table, settings.label.direction, &mut join)?;
        }
        pair.check_transform(settings.input.transform)?;
        Ok(ReadData {
            pair: match self {
                DataFiles::Pair { .. } => pair.oriented(settings.input.order),
                DataFiles::Pairs(_) => pair.oriented(settings.input.order).of_several(),
            },
            join,
            files,
            labels,
            common_library_size,
        })
    }

    /// Refuses a list in which two files are of the same cell type: what is held out would
    /// not be told apart from what is not.
    fn check_names(&self, files: &[DataFile]) -> Result<()> {
        let DataFiles::Pairs(list) = self else {
            return Ok(());
        };
        for (i, file) in files.iter().enumerate() {
            let same = |earlier: &&DataFile| earlier.cell_type == file.cell_type;
            if let Some(earlier) = files[..i].iter().find(same) {
                let table = list.table.as_ref().map(|table| table.display().to_string());
                return Err(Error::data(
                    format!(
                        "{} names two files of cell type {}: {} and {}",
                        table.as_deref().unwrap_or("the list of pairs"),
                        file.cell_type,
                        earlier.path.display(),
                        file.path.display()
                    ),
                    "Make one of them again with another --cell-type",
                ));
            }
        }
        Ok(())
    }
}
