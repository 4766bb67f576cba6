//! Results appear whole or not at all: they are written to a temporary name
//! beside the final one and renamed when complete.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, TempDir};

use crate::error::{Error, Result};

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
    let trial = temporary(0o666).tempfile_in(&folder);
    trial
        .map(drop)
        .map_err(Error::io("create a file in", &folder))
}

/// Writes a file through a buffer, then renames it to its final name.
///
/// # Errors
/// When the path is taken ([`check_file`]) or anything fails to be written; then
/// nothing is left behind.
pub fn write_atomically(
    path: &Path,
    force: bool,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<()> {
    check_file(path, force)?;
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
    let persisted = if force {
        temporary.persist(path)
    } else {
        temporary.persist_noclobber(path)
    };
    persisted
        .map(drop)
        .map_err(|error| Error::io("write", path)(error.error))
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

/// A folder of results that is filled under a temporary name and gets its final
/// one when [`OutputFolder::publish`] is called; dropped before, it vanishes.
#[derive(Debug)]
pub struct OutputFolder {
    temporary: TempDir,
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
        if std::env::current_dir().is_ok_and(|here| here.starts_with(absolute(path))) {
            return Err(Error::data(
                format!("the output {} holds the folder you are in", path.display()),
                "Choose another output path",
            ));
        }
        keep_inputs(path, inputs.iter().copied())?;
        Self::create(path, force, marker).map(drop)
    }

    /// Opens a folder beside its final place.
    ///
    /// # Errors
    /// When the final path is taken by something that must not be replaced, or
    /// its parent cannot be written to.
    pub fn create(path: &Path, force: bool, marker: &'static str) -> Result<Self> {
        check_folder(path, force, marker)?;
        let folder = parent(path);
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let temporary = temporary(0o777)
            .tempdir_in(&folder)
            .map_err(Error::io("create a folder in", &folder))?;
        Ok(OutputFolder {
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

/// Removes what an interrupted program left in a folder under temporary names.
///
/// # Errors
/// When something cannot be removed.
pub(crate) fn remove_leftovers(folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        let removed = match entry.file_type() {
            Ok(kind) if kind.is_dir() => fs::remove_dir_all(&path),
            _ => fs::remove_file(&path),
        };
        removed.map_err(Error::io("remove", &path))?;
    }
    Ok(())
}

/// With what temporary names begin.
const PREFIX: &str = ".epidelta-";

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

/// A builder of temporary names with the permissions of ordinary results: those
/// of the umask, not the private ones that temporary files have by default.
#[cfg_attr(not(unix), expect(unused_variables))]
fn temporary(mode: u32) -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    builder
}
