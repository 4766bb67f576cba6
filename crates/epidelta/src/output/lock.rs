//! A lock that keeps two programs from writing the same folder.
//!
//! It is the operating system's lock on a file, which ends with the program that holds it,
//! however that ends: such a lock is never stale. Some network file systems have no locks.
//! There the file itself is the lock: its holder touches it every minute, and one that was not
//! touched for ten minutes, or whose holder is known to be gone, is stale and taken over.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, SystemTime},
};

use super::temporary::Identity;
use crate::error::{Error, Result};

const TOUCHED_EVERY: Duration = Duration::from_secs(60);
const STALE_AFTER: Duration = Duration::from_secs(600);
/// How often a lock is tried to be taken that is removed meanwhile.
const TRIES: usize = 100;
/// After so long another program that took the lock at the same time has written its name, too.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// The locks that this process holds.
static HELD: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A lock that is held, for as long as this lives.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    /// What the operating system's lock is on.
    file: File,
    /// Ends the thread that touches the file.
    _touched: Sender<()>,
}

impl Lock {
    /// Takes the lock that is a file, of a folder; it is made where it is not there.
    ///
    /// # Errors
    /// When another program holds it, or it cannot be written.
    pub fn take(path: &Path, folder: &Path) -> Result<Self> {
        for _ in 0..TRIES {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)
                .map_err(Error::io("open", path))?;
            let is_locked = match file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => return Err(is_held(path, folder)),
                Err(TryLockError::Error(error)) if has_no_locks(&error) => {
                    check_stale(path, &file, folder)?;
                    false
                }
                Err(TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
            };
            // Another program may have ended and removed it in the meantime.
            if Identity::in_metadata(file.metadata().ok()) != of_name(path) {
                continue;
            }
            fs::write(path, own_name()).map_err(Error::io("write", path))?;
            if !is_locked {
                thread::sleep(SETTLED_AFTER);
                if holder(path) != own_name() {
                    return Err(is_held(path, folder));
                }
            }
            if let Ok(mut held) = HELD.lock() {
                held.push(path.into());
            }
            return Ok(Lock {
                path: path.into(),
                file,
                _touched: keep_touched(path.into()),
            });
        }
        Err(Error::data(
            format!("{} cannot be locked", path.display()),
            "Choose another output path",
        ))
    }
}

/// What has a name, through links.
fn of_name(path: &Path) -> Identity {
    Identity::in_metadata(fs::metadata(path).ok())
}

impl Lock {
    /// Checks that the lock's file is still in its folder, and so the folder in its place.
    ///
    /// # Errors
    /// When it was moved or removed.
    pub fn check(&self, folder: &Path) -> Result<()> {
        let locked = Identity::in_metadata(self.file.metadata().ok());
        match locked == of_name(&self.path) {
            true => Ok(()),
            false => Err(Error::data(
                format!("{} was moved or removed", folder.display()),
                "Leave it where it is while the training goes on",
            )),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Ok(mut held) = HELD.lock() {
            held.retain(|path| *path != self.path);
        }
        erase(&self.path);
    }
}

/// Takes this process's name out of the locks that it holds: for a program that is told to stop
/// and ends right after.
pub(super) fn erase_all() {
    if let Ok(held) = HELD.lock() {
        held.iter().for_each(|path| erase(path));
    }
}

/// Without a holder a lock is free on file systems without locks, too.
fn erase(path: &Path) {
    if holder(path) == own_name() {
        // Otherwise it will be free when it has not been touched for a while.
        let _ = fs::write(path, "");
    }
}

/// Touches a lock's file until the sender is dropped. It is opened each time, since one that is
/// open stays locked.
fn keep_touched(path: PathBuf) -> Sender<()> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        while let Err(RecvTimeoutError::Timeout) = receiver.recv_timeout(TOUCHED_EVERY) {
            // A disk that cannot be written to ends the work anyway.
            let file = File::options().write(true).open(&path);
            let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
        }
    });
    sender
}

/// Whether an error of locking means that the file system does not know locks.
fn has_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error()) {
        return true;
    }
    error.kind() == io::ErrorKind::Unsupported
}

/// The error for a lock that another program holds.
fn is_held(path: &Path, folder: &Path) -> Error {
    let holder = match holder(path) {
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

/// Where there are no locks: refuses a file whose holder shows signs of life.
fn check_stale(path: &Path, file: &File, folder: &Path) -> Result<()> {
    let found = file.metadata().map_err(Error::io("read", path))?;
    let touched = found.modified().ok();
    let age = touched.and_then(|at| SystemTime::now().duration_since(at).ok());
    let is_fresh = age.is_none_or(|age| age < STALE_AFTER);
    let holder = holder(path);
    if holder.is_empty() || !is_fresh || is_gone(&holder) {
        return Ok(());
    }
    Err(Error::data(
        format!(
            "another epidelta ({holder}) is writing into {}, or was stopped less than ten \
             minutes ago",
            folder.display()
        ),
        format!(
            "Wait for it; if you know that it does not run any more, remove {}",
            path.display()
        ),
    ))
}

/// Who holds a lock, as its file tells; whatever is not text is no holder's.
fn holder(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().to_owned()
}

/// This process, as a holder.
fn own_name() -> String {
    format!("process {} on {}", std::process::id(), host())
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
        assert!(error.contains(&own_name()), "{error}");
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
        let check = |holder: &str, age: Duration| {
            fs::write(&path, holder).unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
            check_stale(&path, &file, folder.path())
        };
        let minute = Duration::from_secs(60);
        let elsewhere = "process 7 on another-machine";
        let error = check(elsewhere, minute).unwrap_err().to_string();
        assert!(error.contains(elsewhere), "{error}");
        check(elsewhere, 11 * minute).unwrap();
        check("", minute).unwrap();
        assert!(check(&own_name(), minute).is_err());
        if cfg!(target_os = "linux") {
            // Larger than any process id.
            let gone = format!("process {} on {}", u32::MAX, host());
            check(&gone, minute).unwrap();
        }
    }
}
