//! A folder of results.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    keep_current_folder, keep_inputs, parent,
    temporary::{InUse, builder, remove, rename},
};
use crate::error::{Error, Result};

/// A folder of results that is filled under a temporary name and gets its final
/// one when [`OutputFolder::publish`] is called; dropped before, it vanishes.
#[derive(Debug)]
pub struct OutputFolder {
    temporary: TempDir,
    in_use: InUse,
    path: PathBuf,
    force: bool,
    marker: &'static str,
}

impl OutputFolder {
    /// Checks that a folder of results can be written: that the path is free, or
    /// `force` is given and an earlier result is there (a folder with the file
    /// `marker`, or an empty one), that none of the inputs would be replaced, and
    /// that its parent can be written to.
    ///
    /// # Errors
    /// When one of these does not hold.
    pub fn check(path: &Path, force: bool, marker: &'static str, inputs: &[&Path]) -> Result<()> {
        check_folder(path, force, marker)?;
        keep_current_folder(path)?;
        keep_inputs(path, inputs.iter().copied())?;
        Self::create(path, force, marker).map(drop)
    }

    /// Opens a folder beside its final place.
    ///
    /// # Errors
    /// When the final path is taken by something that must not be replaced, or
    /// its parent cannot be written to.
    pub fn create(path: &Path, force: bool, marker: &'static str) -> Result<Self> {
        let aside = aside(path);
        if path.symlink_metadata().is_err() && aside.join(marker).is_file() {
            // A program was stopped between the two names of `publish`.
            rename(&aside, path).map_err(Error::io("replace", path))?;
        }
        check_folder(path, force, marker)?;
        let folder = parent(path);
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let (temporary, in_use) = InUse::create(|| builder(0o777).tempdir_in(&folder))
            .map_err(Error::io("create a folder in", &folder))?;
        Ok(OutputFolder {
            in_use,
            temporary,
            path: path.into(),
            force,
            marker,
        })
    }

    /// Where a file of this folder is to be written for now.
    pub fn file(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    /// Gives the folder its final name, replacing an earlier result under
    /// `force`.
    ///
    /// # Errors
    /// When the final path was taken meanwhile or the rename fails.
    pub fn publish(self) -> Result<()> {
        check_folder(&self.path, self.force, self.marker)?;
        let OutputFolder {
            temporary,
            in_use,
            path,
            marker,
            ..
        } = self;
        let is_exchanged = in_use.settle(|| replace(temporary.path(), &path, marker))?;
        if !is_exchanged {
            // Renamed: there is nothing left under the temporary name to delete.
            let _ = temporary.keep();
        }
        Ok(())
    }
}

/// Gives a folder its final name. Returns whether an earlier result has the temporary one now.
fn replace(temporary: &Path, path: &Path, marker: &str) -> Result<bool> {
    if path.symlink_metadata().is_err() {
        rename(temporary, path).map_err(Error::io("write", path))?;
        return Ok(false);
    }
    if exchange(temporary, path) {
        return Ok(true);
    }
    // The old result is moved aside first, so that it is whole until the new one stands, and
    // then deleted. Its name then is one by which it is found again.
    let aside = aside(path);
    if aside.join(marker).is_file() {
        remove(&aside).map_err(Error::io("remove", &aside))?;
    }
    rename(path, &aside).map_err(Error::io("replace", path))?;
    if let Err(error) = rename(temporary, path) {
        // Put the old result back; the first error is the one to tell.
        let _ = rename(&aside, path);
        return Err(Error::io("write", path)(error));
    }
    // What cannot be deleted is in nobody's way.
    let _ = remove(&aside);
    Ok(false)
}

/// Where an old result is while it is replaced on a file system that cannot do that in one
/// step.
fn aside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    parent(path).join(format!(".{name}.earlier"))
}

/// Lets two folders change names in one step, so that there is never none under either; not
/// all file systems can.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(one: &Path, other: &Path) -> bool {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(_: &Path, _: &Path) -> bool {
    false
}

fn check_folder(path: &Path, force: bool, marker: &str) -> Result<()> {
    let Ok(found) = path.symlink_metadata() else {
        return Ok(());
    };
    if !force {
        return Err(Error::Exists { path: path.into() });
    }
    let is_earlier_result = found.is_dir()
        && (path.join(marker).is_file()
            || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none()));
    if is_earlier_result {
        return Ok(());
    }
    Err(Error::data(
        format!(
            "{} is not an earlier result (a folder with {marker}) and is left as it is",
            path.display()
        ),
        "Choose another output path, or remove it yourself",
    ))
}
