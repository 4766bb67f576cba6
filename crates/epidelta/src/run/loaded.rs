//! Cell types in memory, shared by runs that go on at once.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use rayon::prelude::*;

use super::DataFile;
use crate::{
    dataset::{Epigenome, read_epigenome},
    error::{Error, Result},
    provenance::sha256,
};

/// Reads each file once for all runs that use it at the same time; what no run uses any more is
/// not kept.
#[derive(Debug, Clone, Default)]
pub struct LoadedCells(Arc<Mutex<HashMap<PathBuf, Arc<Place>>>>);

/// Where a file is, while somebody uses it. Locked while it is read.
type Place = Mutex<Weak<LoadedCell>>;

/// A cell type as it was read.
#[derive(Debug, Clone)]
pub(crate) struct LoadedCell {
    pub file: DataFile,
    pub epigenome: Epigenome,
}

impl LoadedCells {
    /// A file's cell type. Others that ask for it meanwhile wait.
    ///
    /// # Errors
    /// As [`read_epigenome`].
    pub(crate) fn read(&self, path: &Path) -> Result<Arc<LoadedCell>> {
        let place = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(path.to_owned()).or_default())
        };
        let mut loaded = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = loaded.upgrade() {
            return Ok(loaded);
        }
        // Nothing below goes to other threads, which might come back here and wait for ever.
        let new = Arc::new(LoadedCell::read(path)?);
        *loaded = Arc::downgrade(&new);
        Ok(new)
    }
}

/// Cell types that stay in memory until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held {
    _cells: Vec<Arc<LoadedCell>>,
}

impl LoadedCells {
    /// Keeps files in memory, those that can be read.
    pub(crate) fn hold(&self, paths: &[PathBuf]) -> Held {
        let cells = paths.par_iter().filter_map(|path| self.read(path).ok());
        Held {
            _cells: cells.collect(),
        }
    }
}

impl LoadedCell {
    fn read(path: &Path) -> Result<Self> {
        // Checksums are of the files that are read next, not of what may stand there hours
        // later. What is no epigenome at all is not hashed, however large it is.
        let (epigenome, sha256) = (read_epigenome(path)?, sha256(path)?);
        let file = DataFile {
            path: fs::canonicalize(path).map_err(Error::io("read", path))?,
            sha256,
            cell_type: epigenome.metadata.cell_type.clone(),
            library_size: epigenome.metadata.library_size,
        };
        Ok(LoadedCell { file, epigenome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{SimulationConfig, simulate, write_epigenome};

    #[test]
    fn what_is_in_use_is_read_once_and_what_is_not_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("A.parquet");
        let config = SimulationConfig {
            genes: 5,
            bins: 2,
            ..SimulationConfig::default()
        };
        let mut cells = simulate(&config).unwrap().cells;
        write_epigenome(&cells[0], &path, false).unwrap();
        let cells_in_use = LoadedCells::default();
        let first = cells_in_use.read(&path).unwrap();
        cells[0].signal[0] += 1.0;
        write_epigenome(&cells[0], &path, true).unwrap();
        let again = cells_in_use.clone().read(&path).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        drop((first, again));
        let new = cells_in_use.read(&path).unwrap();
        assert_eq!(new.epigenome.signal, cells[0].signal);
    }
}
