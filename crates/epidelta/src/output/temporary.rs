//! Temporary names: what has one is not a result yet.

use std::{
    collections::BTreeSet,
    fs, io, mem,
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
    /// Makes something under a temporary name and tells its path.
    pub fn create<T: AsRef<Path>>(make: impl FnOnce() -> io::Result<T>) -> io::Result<(T, Self)> {
        // Held meanwhile, so that nothing is made that is not known.
        let open = OPEN.lock();
        let made = make()?;
        if let Ok(mut open) = open {
            open.insert(made.as_ref().into());
        }
        let in_use = InUse(made.as_ref().into());
        Ok((made, in_use))
    }
}

impl InUse {
    /// Does what gives it its final name, while it cannot be removed.
    pub fn settle<T>(&self, rename: impl FnOnce() -> T) -> T {
        let _open = OPEN.lock();
        rename()
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
/// that is told to stop. Nothing can be written under such a name after it, so it must end.
pub fn remove_temporaries() {
    super::lock::erase_all();
    let Ok(open) = OPEN.lock() else {
        return;
    };
    for path in open.iter() {
        // What cannot be removed stays under a name that is no result's.
        let _ = remove(path);
    }
    mem::forget(open);
}

/// Whether a name is a temporary one.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX)
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
        if is_temporary(&entry.file_name().to_string_lossy()) {
            let path = entry.path();
            remove(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

/// Removes a file or a folder with all that is in it.
///
/// # Errors
/// As [`fs::remove_file`] and [`fs::remove_dir_all`].
pub(crate) fn remove(path: &Path) -> io::Result<()> {
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
    /// Of what has a name.
    pub fn of(path: &Path) -> Self {
        Self::in_metadata(path.symlink_metadata().ok())
    }

    /// Of what the system tells of a file.
    #[cfg(unix)]
    pub fn in_metadata(found: Option<fs::Metadata>) -> Self {
        use std::os::unix::fs::MetadataExt;
        Identity(found.map(|found| (found.dev(), found.ino())))
    }

    /// Of what the system tells of a file.
    #[cfg(not(unix))]
    pub fn in_metadata(_: Option<fs::Metadata>) -> Self {
        Identity(None)
    }

    /// The error of a rename, unless this now stands at the new name: when the answer of a
    /// network file system gets lost and it is asked again, it says that there is nothing to
    /// rename, or that the new name (given by a second link) is taken, for it is done.
    pub fn unless_at(self, to: &Path, error: io::Error) -> io::Result<()> {
        let done = self.0.is_some() && self == Identity::of(to);
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists if done => Ok(()),
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
        fs::hard_link(&from, &to).unwrap();
        let taken = failed(io::ErrorKind::AlreadyExists);
        assert!(moved.unless_at(&to, taken).is_ok());
        fs::remove_file(&from).unwrap();
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
        let (_, done) = InUse::create(|| fs::write(&file, "").map(|()| &file)).unwrap();
        let (_, _open) = InUse::create(|| fs::create_dir(&results).map(|()| &results)).unwrap();
        fs::write(results.join("part"), "").unwrap();
        drop(done);
        let open: Vec<PathBuf> = OPEN.lock().unwrap().iter().cloned().collect();
        assert!(open.contains(&results) && !open.contains(&file));
        open.iter().for_each(|path| remove(path).unwrap());
        assert!(file.exists() && !results.exists());
    }
}
