//! The folder of a study.

use std::{
    fs::{self, DirEntry},
    io::Write,
    path::Path,
};

use anyhow::{Context, Result, bail};
use epidelta::{
    error::Error,
    output::{Lock, OutputFolder, is_temporary, write_atomically},
    study::{DESCRIPTION, MARKER, RUNS},
};

use crate::arguments::WholeStudy;

pub fn is_study(folder: &Path) -> bool {
    folder.join(MARKER).is_file()
}

/// Makes the study's folder, or takes the one that is there, and locks it against another
/// program that would do the same.
pub fn open_folder(command: &WholeStudy, folder: &Path) -> Result<Lock> {
    if !(command.resume && is_study(folder)) {
        // One that runs is not to be replaced under its hands.
        let _earlier = match is_study(folder) {
            true => Some(Lock::take(&folder.join(MARKER), folder)?),
            false => None,
        };
        make(folder, command.force)?;
    }
    lock_and_describe(folder, &command.study)
}

/// Makes a study's folder with nothing in it but the file that it is known by.
fn make(folder: &Path, force: bool) -> Result<(), Error> {
    let new = OutputFolder::create(folder, force, MARKER)?;
    write_atomically(&new.file(MARKER), false, |_| Ok(()))?;
    new.publish()
}

/// Locks a study's folder, and writes the description into it.
pub fn lock_and_describe(folder: &Path, study: &Path) -> Result<Lock> {
    let lock = Lock::take(&folder.join(MARKER), folder)?;
    let text = fs::read(study).with_context(|| format!("cannot read {}", study.display()))?;
    write_atomically(&folder.join(DESCRIPTION), true, |out| out.write_all(&text))?;
    Ok(lock)
}

/// Makes a study's folder for one of its runs, unless it is there. Many runs may do so at once,
/// and workflow engines make the folders of runs before they start them.
pub fn share_folder(folder: &Path) -> Result<()> {
    if is_study(folder) {
        return Ok(());
    }
    let is_of_runs = |entry: DirEntry| {
        let name = entry.file_name();
        name == RUNS || name == MARKER || is_temporary(&name.to_string_lossy())
    };
    // Never one that is moved to its place: that of another run would be in the way.
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let mut found = fs::read_dir(folder)
        .map_err(Error::io("read", folder))?
        .flatten();
    if !found.all(is_of_runs) && !is_study(folder) {
        bail!(
            "{} is there and is no study (it has no {MARKER}): choose another folder",
            folder.display()
        );
    }
    match write_atomically(&folder.join(MARKER), false, |_| Ok(())) {
        // Another run has made it since.
        Err(_) if is_study(folder) => Ok(()),
        written => Ok(written?),
    }
}
