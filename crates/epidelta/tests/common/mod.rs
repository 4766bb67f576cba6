//! Where tests find the real data that are not part of the repository.

#![allow(dead_code, reason = "each test uses some of it")]

use std::path::PathBuf;

/// A file or folder of the shared data, or `None` (said on stderr) where
/// `EPIDELTA_SHARED` is not set. With the variable set, a missing file fails.
pub fn shared(path: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("EPIDELTA_SHARED") else {
        eprintln!("skipped: EPIDELTA_SHARED is not set, so there is no {path}");
        return None;
    };
    let path = PathBuf::from(root).join(path);
    assert!(path.exists(), "{} is missing", path.display());
    Some(path)
}
