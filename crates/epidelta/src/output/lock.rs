//! A lock that keeps two programs from writing the same folder.
//!
//! It is the operating system's lock on a file, which ends with the program that holds it,
//! however that ends: such a lock is never stale. Some network file systems have no locks.
//! There the file itself is the lock: its holder touches it every minute, and one that was not
//! touched for ten minutes, or whose holder is known to be gone, is stale and taken over.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, SystemTime},
};

use crate::error::{Error, Result};

const TOUCHED_EVERY: Duration = Duration::from_secs(60);
const STALE_AFTER: Duration = Duration::from_secs(600);

/// A lock that is held, for as long as this lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// Ends the thread that touches the file, where there is one.
    _touched: Option<Sender<()>>,
}

impl Lock {
    /// Takes the lock that is a file, of a folder; it is made where it is not there.
    ///
    /// # Errors
    /// When another program holds it, or it cannot be written.
    pub fn take(path: &Path, folder: &Path) -> Result<Self> {
        loop {
            let file = File::options()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(path)
                .map_err(Error::io("open", path))?;
            let _touched = match file.try_lock() {
                Ok(()) => None,
                Err(TryLockError::WouldBlock) => return Err(is_held(&file, folder)),
                // The file system has no locks.
                Err(TryLockError::Error(_)) => Some(take_over(&file, path, folder)?),
            };
            let mut lock = Lock { file, _touched };
            // Another program may have ended and removed it in the meantime.
            if lock.is_at(path) {
                lock.write_holder().map_err(Error::io("write", path))?;
                return Ok(lock);
            }
        }
    }

    /// Whether the file that is locked is the one that has the name.
    #[cfg(unix)]
    fn is_at(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let identity = |found: fs::Metadata| (found.dev(), found.ino());
        let locked = self.file.metadata().map(identity).ok();
        locked.is_some() && locked == fs::metadata(path).map(identity).ok()
    }

    #[cfg(not(unix))]
    fn is_at(&self, path: &Path) -> bool {
        path.exists()
    }

    fn write_holder(&mut self) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        let (process, host) = (std::process::id(), host());
        let holder = format!("process {process} on {host}");
        self.file.write_all(holder.as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Without a holder it is free on file systems without locks, too.
        let _ = self.file.set_len(0);
    }
}

/// The error for a lock that another program holds.
fn is_held(file: &File, folder: &Path) -> Error {
    let holder = match holder_in(file) {
        unknown if unknown.is_empty() => String::new(),
        known => format!(" ({known})"),
    };
    Error::data(
        format!(
            "another epidelta{holder} is writing into {}",
            folder.display()
        ),
        "Wait for it, or choose another output path",
    )
}

/// Where there are no locks: refuses a file whose holder shows signs of life, and takes another
/// over. What is returned keeps it touched.
fn take_over(file: &File, path: &Path, folder: &Path) -> Result<Sender<()>> {
    let found = file.metadata().map_err(Error::io("read", path))?;
    let touched = found.modified().ok();
    let age = touched.and_then(|at| SystemTime::now().duration_since(at).ok());
    let is_fresh = age.is_none_or(|age| age < STALE_AFTER);
    let holder = holder_in(file);
    if !holder.is_empty() && is_fresh && !is_gone(&holder) {
        return Err(Error::data(
            format!(
                "another epidelta ({holder}) is writing into {}, or was stopped less than ten \
                 minutes ago",
                folder.display()
            ),
            format!(
                "Wait for it; if you know that it does not run any more, remove {}",
                path.display()
            ),
        ));
    }
    let touched = file.try_clone().map_err(Error::io("open", path))?;
    let (sender, receiver) = channel();
    thread::spawn(move || {
        while let Err(RecvTimeoutError::Timeout) = receiver.recv_timeout(TOUCHED_EVERY) {
            // Untouched it would be taken for stale, which does no harm to this program.
            let _ = touched.set_modified(SystemTime::now());
        }
    });
    Ok(sender)
}

/// Who holds a lock, as its file tells.
fn holder_in(mut file: &File) -> String {
    let mut holder = String::new();
    // Whatever is not text is no holder's.
    let _ = file.read_to_string(&mut holder);
    holder.trim().to_owned()
}

/// Whether a holder was a process of this machine that is not there any more.
fn is_gone(holder: &str) -> bool {
    let here = format!(" on {}", host());
    let process = holder
        .strip_prefix("process ")
        .and_then(|rest| rest.strip_suffix(&here));
    let processes = Path::new("/proc");
    process.is_some_and(|id| {
        processes.join("self").exists()
            && id.bytes().all(|digit| digit.is_ascii_digit())
            && !processes.join(id).exists()
    })
}

/// The name of this machine.
fn host() -> String {
    #[cfg(unix)]
    return rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    return std::env::var("COMPUTERNAME").unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_freed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = Lock::take(&path, folder.path()).unwrap();
        let error = Lock::take(&path, folder.path()).unwrap_err().to_string();
        let own = format!("process {} on ", std::process::id());
        assert!(error.contains(&own), "{error}");
        drop(held);
        assert_eq!(fs::read(&path).unwrap(), b"");
        // A lock whose file was removed is another than the one made after it.
        let removed = Lock::take(&path, folder.path()).unwrap();
        fs::remove_file(&path).unwrap();
        let _held = Lock::take(&path, folder.path()).unwrap();
        drop(removed);
        assert!(Lock::take(&path, folder.path()).is_err());
    }

    /// Where the file system has no locks, which is as if they had failed.
    #[test]
    fn a_lock_without_locks_becomes_stale() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let taken = |holder: &str, age: Duration| {
            fs::write(&path, holder).unwrap();
            let file = File::options().read(true).write(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
            take_over(&file, &path, folder.path()).map(drop)
        };
        let minute = Duration::from_secs(60);
        let elsewhere = "process 7 on another-machine";
        let error = taken(elsewhere, minute).unwrap_err().to_string();
        assert!(error.contains(elsewhere), "{error}");
        taken(elsewhere, 11 * minute).unwrap();
        taken("", minute).unwrap();
        let here = |id: u32| format!("process {id} on {}", host());
        assert!(taken(&here(std::process::id()), minute).is_err());
        if cfg!(target_os = "linux") {
            // Larger than any process id.
            taken(&here(u32::MAX), minute).unwrap();
        }
    }
}
