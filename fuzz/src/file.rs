//! Files, since readers take paths.

use std::{fs, path::Path, path::PathBuf, sync::LazyLock};

use tempfile::TempDir;

/// In the folder that `TMPDIR` names, which `tools/fuzz.sh` makes in memory and removes: a
/// target never ends in an orderly way.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

/// The folder of this process.
pub fn folder() -> &'static Path {
    FOLDER.path()
}

/// A file of these bytes in [`folder`].
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::write(&path, bytes).expect("a file that can be written");
    path
}
