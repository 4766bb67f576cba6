//! Writes the inputs that fuzzing starts from: `seeds FOLDER` fills `FOLDER/TARGET/`.
//!
//! They are files that epidelta itself writes, golden files of its tests, small ones made up
//! here and, where `EPIDELTA_SHARED` names them, cuts from real data. All are small: a target
//! runs thousands of them a second.

mod bigwig;
mod parquet;
mod reads;
mod runs;
mod text;

use std::{
    fs,
    path::{Path, PathBuf},
};

// For the symbols that code built for fuzzing refers to.
use libfuzzer_sys as _;

/// Larger inputs are not taken: a mutation would hardly ever hit what matters.
const LARGEST: usize = 50_000;

/// The folder of all inputs.
struct Corpus(PathBuf);

impl Corpus {
    /// Adds an input.
    fn add(&self, target: &str, name: &str, bytes: &[u8]) {
        if bytes.len() > LARGEST {
            return;
        }
        let folder = self.0.join(target);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(format!("seed-{name}")), bytes).expect("a file");
    }

    /// Adds an input whose first byte says what it is.
    fn add_as(&self, target: &str, name: &str, choice: u8, bytes: &[u8]) {
        self.add(target, name, &[&[choice], bytes].concat());
    }
}

/// A golden file of the tests.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/epidelta/tests/golden")
        .join(name)
}

/// A file of real data, where there is one.
fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("EPIDELTA_SHARED")?)
        .join("data")
        .join(name);
    path.exists().then_some(path)
}

/// The first lines of a text.
fn first_lines(text: &[u8], lines: usize) -> Vec<u8> {
    text.split_inclusive(|&byte| byte == b'\n')
        .take(lines)
        .flatten()
        .copied()
        .collect()
}

fn main() {
    let folder = std::env::args_os().nth(1).expect("usage: seeds FOLDER");
    let corpus = Corpus(folder.into());
    text::add(&corpus);
    reads::add(&corpus);
    bigwig::add(&corpus);
    parquet::add(&corpus);
    runs::add(&corpus);
    // Nothing of the library's folder is needed any more.
    fs::remove_dir_all(epidelta_fuzz::folder()).expect("a folder");
}
