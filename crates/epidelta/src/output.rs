//! Results appear whole or not at all: they are written to a temporary name
//! beside the final one and renamed when complete.

mod file;
mod folder;
mod lock;
mod temporary;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

pub(crate) use file::write_into_folder;
pub use file::{Output, write_atomically};
pub use folder::OutputFolder;
pub use lock::Lock;
pub use temporary::{is_temporary, remove_temporaries};
pub(crate) use temporary::{remove, remove_leftovers, rename};

/// Refuses a file's path that is taken, unless `force` is given and what is there
/// is a regular file.
///
/// # Errors
/// [`Error::Exists`] when the path exists and `force` is false, [`Error::Data`]
/// when it is something that a result must not replace.
pub fn check_file(path: &Path, force: bool) -> Result<()> {
    match path.symlink_metadata() {
        Err(_) => Ok(()),
        Ok(found) if !found.is_file() => Err(Error::data(
            format!(
                "{} is not a regular file and is left as it is",
                path.display()
            ),
            "Choose another output path",
        )),
        Ok(_) if !force => Err(Error::Exists { path: path.into() }),
        Ok(_) => Ok(()),
    }
}

/// Tries whether a file could be written, so that a folder that cannot be written to
/// is told before the work rather than after it. Leaves nothing behind.
///
/// # Errors
/// When its folder, or the one in which that would be made, cannot be written to.
pub fn check_writable(path: &Path) -> Result<()> {
    let mut folder = parent(path);
    while !folder.exists() {
        folder = parent(&folder);
    }
    tempfile::tempfile_in(&folder)
        .map(drop)
        .map_err(Error::io("create a file in", &folder))
}

/// Refuses an output, a file or a folder, that would replace one of the inputs.
///
/// # Errors
/// [`Error::Data`] naming the output and the input.
pub fn keep_inputs<'p>(output: &Path, inputs: impl IntoIterator<Item = &'p Path>) -> Result<()> {
    let place = absolute(output);
    match inputs
        .into_iter()
        .find(|input| absolute(input).starts_with(&place))
    {
        None => Ok(()),
        Some(input) => Err(Error::data(
            format!(
                "the output {} would replace the input {}",
                output.display(),
                input.display()
            ),
            "Choose an output path that neither is one of the inputs nor holds one",
        )),
    }
}

/// Refuses an output folder that holds the current one.
///
/// # Errors
/// [`Error::Data`] naming the output.
pub(crate) fn keep_current_folder(output: &Path) -> Result<()> {
    match std::env::current_dir().is_ok_and(|here| here.starts_with(absolute(output))) {
        false => Ok(()),
        true => Err(Error::data(
            format!(
                "the output {} holds the folder you are in",
                output.display()
            ),
            "Choose another output path",
        )),
    }
}

/// The path without links and relative parts, as far as it exists.
fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.into())
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.into(),
        _ => PathBuf::from("."),
    }
}

/// Whether a file could not be written because there is no room for it: the disk is full, a
/// quota is used up, or a limit of a file's size is reached.
fn is_for_want_of_space(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Bytes that are free for ordinary users on the disk of a folder, where that can be told.
#[cfg(unix)]
fn free_space(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_: &Path) -> Option<u64> {
    None
}
