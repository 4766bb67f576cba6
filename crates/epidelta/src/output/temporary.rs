//! Temporary names: what has one is not a result yet.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use tempfile::Builder;

use crate::error::{Error, Result};

/// With what temporary names begin.
pub(super) const PREFIX: &str = ".epidelta-";

/// What this process is writing now under temporary names.
static OPEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A builder of temporary names with the permissions of ordinary results: those
/// of the umask, not the private ones that temporary files have by default.
#[cfg_attr(not(unix), expect(unused_variables))]
pub(super) fn builder(mode: u32) -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    builder
}

/// A temporary name in use, for as long as this lives.
#[derive(Debug)]
pub(super) struct InUse(PathBuf);

impl InUse {
    pub fn new(path: &Path) -> Self {
        if let Ok(mut open) = OPEN.lock() {
            open.insert(path.into());
        }
        InUse(path.into())
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if let Ok(mut open) = OPEN.lock() {
            open.remove(&self.0);
        }
    }
}

/// Removes everything that this process is writing under temporary names: for a program
/// that is told to stop and ends right after.
pub fn remove_temporaries() {
    let Ok(open) = OPEN.lock() else {
        return;
    };
    for path in open.iter() {
        // What cannot be removed stays under a name that is no result's.
        let _ = remove(path);
    }
}

/// Removes what an interrupted program left in a folder under temporary names.
///
/// # Errors
/// When something cannot be removed.
pub(crate) fn remove_leftovers(folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            let path = entry.path();
            remove(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match path.symlink_metadata()?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

/// Gives a file or folder another name, replacing a file that has it.
///
/// # Errors
/// As [`fs::rename`].
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let moved = Identity::of(from);
    fs::rename(from, to).or_else(|error| moved.unless_at(to, error))
}

/// By what a file is known whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(Option<(u64, u64)>);

impl Identity {
    #[cfg(unix)]
    pub fn of(path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt;
        let found = path.symlink_metadata().ok();
        Identity(found.map(|found| (found.dev(), found.ino())))
    }

    #[cfg(not(unix))]
    pub fn of(_: &Path) -> Self {
        Identity(None)
    }

    /// The error of a rename, unless this now stands at the new name: when the answer of a
    /// network file system gets lost and it is asked again, it says that there is nothing to
    /// rename, for it is done.
    pub fn unless_at(self, to: &Path, error: io::Error) -> io::Result<()> {
        let done = self.0.is_some() && self == Identity::of(to);
        match error.kind() {
            io::ErrorKind::NotFound if done => Ok(()),
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rename_that_was_done_though_it_failed_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        fs::write(&from, "content").unwrap();
        let moved = Identity::of(&from);
        let failed = |kind| io::Error::from(kind);
        assert!(
            moved
                .unless_at(&to, failed(io::ErrorKind::NotFound))
                .is_err()
        );
        fs::rename(&from, &to).unwrap();
        assert!(
            moved
                .unless_at(&to, failed(io::ErrorKind::NotFound))
                .is_ok()
        );
        assert!(
            moved
                .unless_at(&to, failed(io::ErrorKind::StorageFull))
                .is_err()
        );
        // What is not there cannot have been renamed to what is there.
        let error = rename(&from, &to).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_is_being_written_can_be_removed() {
        let folder = tempfile::tempdir().unwrap();
        let [file, results] = ["file", "results"].map(|name| folder.path().join(name));
        fs::write(&file, "").unwrap();
        fs::create_dir(&results).unwrap();
        fs::write(results.join("part"), "").unwrap();
        let done = InUse::new(&file);
        let _open = InUse::new(&results);
        drop(done);
        remove_temporaries();
        assert!(file.exists() && !results.exists());
    }
}
