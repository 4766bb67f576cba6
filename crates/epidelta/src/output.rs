//! Results appear whole or not at all: they are written to a temporary name
//! beside the final one and renamed when complete.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile, TempDir};

use crate::error::{Error, Result};

/// Refuses a path that is taken, unless `force` is given.
///
/// # Errors
/// [`Error::Exists`] when the path exists and `force` is false.
pub fn check_free(path: &Path, force: bool) -> Result<()> {
    if !force && path.symlink_metadata().is_ok() {
        return Err(Error::Exists { path: path.into() });
    }
    Ok(())
}

/// Writes a file through a buffer, then renames it to its final name.
///
/// # Errors
/// When the path is taken (and `force` is false) or anything fails to be
/// written; then nothing is left behind.
pub fn write_atomically(
    path: &Path,
    force: bool,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<()> {
    check_free(path, force)?;
    if path.is_dir() {
        return Err(Error::Exists { path: path.into() });
    }
    let folder = parent(path);
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let temporary = temporary(0o666)
        .tempfile_in(&folder)
        .map_err(Error::io("create a file in", &folder))?;
    let mut buffer = BufWriter::new(temporary.as_file());
    write(&mut buffer)
        .and_then(|()| buffer.flush())
        .and_then(|()| temporary.as_file().sync_all())
        .map_err(Error::io("write", path))?;
    drop(buffer);
    persist(temporary, path)
}

fn persist(temporary: NamedTempFile, path: &Path) -> Result<()> {
    temporary
        .persist(path)
        .map(drop)
        .map_err(|error| Error::io("write", path)(error.error))
}

/// A folder of results that is filled under a temporary name and gets its final
/// one when [`OutputFolder::publish`] is called; dropped before, it vanishes.
#[derive(Debug)]
pub struct OutputFolder {
    temporary: TempDir,
    path: PathBuf,
    force: bool,
}

impl OutputFolder {
    /// Opens a folder beside its final place.
    ///
    /// # Errors
    /// When the final path is taken (and `force` is false) or its parent cannot
    /// be written to.
    pub fn create(path: &Path, force: bool) -> Result<Self> {
        check_free(path, force)?;
        let folder = parent(path);
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let temporary = temporary(0o777)
            .tempdir_in(&folder)
            .map_err(Error::io("create a folder in", &folder))?;
        Ok(OutputFolder {
            temporary,
            path: path.into(),
            force,
        })
    }

    /// Where a file of this folder is to be written for now.
    pub fn file(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    /// Gives the folder its final name, replacing what is there under `force`.
    ///
    /// # Errors
    /// When the final path was taken meanwhile or the rename fails.
    pub fn publish(self) -> Result<()> {
        check_free(&self.path, self.force)?;
        let OutputFolder {
            temporary, path, ..
        } = self;
        if path.symlink_metadata().is_ok() {
            // The old result is moved aside first, so that it is whole until the
            // new one stands, and then deleted.
            let aside = TempDir::with_prefix_in(".epidelta-old-", parent(&path))
                .map_err(Error::io("create a folder beside", &path))?;
            fs::rename(&path, aside.path().join("old")).map_err(Error::io("replace", &path))?;
            if let Err(error) = fs::rename(temporary.path(), &path) {
                // Put the old result back; the first error is the one to tell.
                let _ = fs::rename(aside.path().join("old"), &path);
                return Err(Error::io("write", &path)(error));
            }
        } else {
            fs::rename(temporary.path(), &path).map_err(Error::io("write", &path))?;
        }
        // Renamed: there is nothing left under the temporary name to delete.
        let _ = temporary.keep();
        Ok(())
    }
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.into(),
        _ => PathBuf::from("."),
    }
}

/// A builder of temporary names with the permissions of ordinary results: those
/// of the umask, not the private ones that temporary files have by default.
#[cfg_attr(not(unix), expect(unused_variables))]
fn temporary(mode: u32) -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".epidelta-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    builder
}
