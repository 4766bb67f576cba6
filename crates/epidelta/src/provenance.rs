//! Where a file came from: every source with its size and checksum.

pub mod seal;

use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// A file that went into a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// What it was used as: `signal`, `expression`, `annotation`, ...
    pub role: String,
    /// The file's name, without its folder.
    pub name: String,
    /// Size, bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// What became of its reads, where it holds any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<ReadCounts>,
}

impl Source {
    /// A file of so many bytes with this checksum.
    pub(crate) fn new(role: &str, path: &Path, size: u64, sha256: String) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Source {
            role: role.into(),
            name: name.to_string_lossy().into_owned(),
            size,
            sha256,
            reads: None,
        }
    }
}

/// How many records of a file of reads were counted, and how many were left out
/// for which reason (the first that applies, in this order).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadCounts {
    /// Records in the file.
    pub records: u64,
    /// Reads without a place in the genome, left out.
    pub unmapped: u64,
    /// Secondary alignments, left out.
    pub secondary: u64,
    /// Supplementary alignments, left out.
    pub supplementary: u64,
    /// Reads that failed quality control, left out.
    pub qc_fail: u64,
    /// Duplicates, left out.
    pub duplicates: u64,
    /// Reads below the mapping quality asked for, left out.
    pub low_mapping_quality: u64,
    /// Reads that are not the left mate of a proper pair, left out when fragments
    /// are counted.
    pub not_in_pair: u64,
    /// Alignments without a base on the reference, left out.
    pub empty: u64,
    /// The depth: reads (or fragments) that passed, wherever they lie.
    pub depth: u64,
    /// Those of the depth that are secondary or supplementary alignments.
    pub not_primary: u64,
}

/// How a dataset was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The epidelta command.
    pub command: String,
    /// The version of epidelta.
    pub epidelta: String,
    /// The files it read.
    pub sources: Vec<Source>,
    /// The settings that shaped the numbers, by name.
    pub settings: std::collections::BTreeMap<String, String>,
}

impl Provenance {
    /// The record of a command of this version of epidelta.
    pub fn new(command: &str) -> Self {
        Provenance {
            command: command.into(),
            epidelta: env!("CARGO_PKG_VERSION").into(),
            sources: Vec::new(),
            settings: std::collections::BTreeMap::new(),
        }
    }

    /// As the JSON text kept in file footers.
    pub fn to_json(&self) -> String {
        // A struct of strings and numbers always serializes.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Describes a file that was read.
///
/// # Errors
/// When the file cannot be read.
pub fn source(role: &str, path: &Path) -> Result<Source> {
    let sha256 = sha256(path)?;
    let size = path.metadata().map_err(Error::io("read", path))?.len();
    Ok(Source::new(role, path, size, sha256))
}

/// The SHA-256 checksum of a file, hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256(path: &Path) -> Result<String> {
    struct Hasher(Sha256);
    impl Write for Hasher {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut hasher = Hasher(Sha256::new());
    // `by_ref` keeps the reader's large buffer in use for the whole copy.
    let mut reader = BufReader::with_capacity(1 << 20, file);
    io::copy(&mut reader.by_ref(), &mut hasher).map_err(Error::io("read", path))?;
    Ok(hexadecimal(&hasher.0.finalize()))
}

/// The SHA-256 checksum of bytes, hexadecimal.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes as hexadecimal text.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
