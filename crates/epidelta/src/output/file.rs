//! One file.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use super::{
    check_file, free_space, is_for_want_of_space, parent,
    temporary::{Identity, InUse, builder},
};
use crate::error::{Error, Result};

/// A file that is being written. When there is no room left for it, it goes on counting what
/// is written, so that the error can tell how much room is needed.
#[derive(Debug)]
pub struct Output {
    file: File,
    written: u64,
    failure: Option<io::Error>,
}

impl Output {
    fn new(file: File) -> Self {
        Output {
            file,
            written: 0,
            failure: None,
        }
    }

    /// Opens a file of a folder of results that does not have its final name yet.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(Error::io("create", path))?;
        Ok(Output::new(file))
    }

    /// Makes sure that all is on the disk; otherwise removes the file. In errors it has the name
    /// `called`.
    pub(crate) fn close(mut self, path: &Path, called: &Path) -> Result<()> {
        self.finish().map_err(Error::io("write", called))?;
        let Output {
            file,
            written: needed,
            failure,
        } = self;
        let Some(source) = failure else {
            return Ok(());
        };
        // What was written of it is room that there is.
        drop(file);
        let _ = fs::remove_file(path);
        Err(Error::NoSpace {
            path: called.into(),
            needed,
            available: free_space(&parent(called)),
            source,
        })
    }

    /// Makes sure that all is on the disk, or knows that it is not.
    fn finish(&mut self) -> io::Result<()> {
        match self.failure {
            Some(_) => Ok(()),
            None => match self.file.sync_all() {
                Err(error) if is_for_want_of_space(&error) => {
                    self.failure = Some(error);
                    Ok(())
                }
                other => other,
            },
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self.failure {
            Some(_) => bytes.len(),
            None => match self.file.write(bytes) {
                Err(error) if is_for_want_of_space(&error) => {
                    self.failure = Some(error);
                    bytes.len()
                }
                other => other?,
            },
        };
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a file through a buffer, then renames it to its final name.
///
/// # Errors
/// When the path is taken ([`check_file`]) or anything fails to be written; then
/// nothing is left behind.
pub fn write_atomically(
    path: &Path,
    force: bool,
    write: impl FnOnce(&mut BufWriter<Output>) -> io::Result<()>,
) -> Result<()> {
    let folder = parent(path);
    check_file(path, force)?;
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    write_into_folder(path, force, write)
}

/// As [`write_atomically`], but does not make the file's folder.
pub(crate) fn write_into_folder(
    path: &Path,
    force: bool,
    write: impl FnOnce(&mut BufWriter<Output>) -> io::Result<()>,
) -> Result<()> {
    let folder = parent(path);
    let (temporary, _in_use) = InUse::create(|| builder(0o666).tempfile_in(&folder))
        .map_err(Error::io("create a file in", &folder))?;
    let (file, temporary) = temporary.into_parts();
    let mut buffer = BufWriter::new(Output::new(file));
    let written = write(&mut buffer).and_then(|()| buffer.flush());
    // What is still in the buffer after an error is of no use.
    let (output, _) = buffer.into_parts();
    written.map_err(Error::io("write", path))?;
    output.close(&temporary, path)?;
    let identity = Identity::of(&temporary);
    let persisted = if force {
        temporary.persist(path)
    } else {
        temporary.persist_noclobber(path)
    };
    persisted
        .or_else(|failed| identity.unless_at(path, failed.error))
        .map_err(Error::io("write", path))
}
