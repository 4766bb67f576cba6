//! `checksums.sha256`: the checksums of a study's tables and figures, as `sha256sum` writes and
//! checks them.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Place, Result},
    output::write_atomically,
    provenance::sha256,
};

const NAME: &str = "checksums.sha256";
const KINDS: [&str; 5] = ["tsv", "json", "svg", "png", "toml"];
const REMEDY: &str = "Run the study again with --resume, which makes its tables and figures anew";

/// Writes the checksums of all tables and figures in a study's folder.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_checksums(study: &Path) -> Result<()> {
    let entries = fs::read_dir(study).map_err(Error::io("read", study))?;
    let is_result = |path: &PathBuf| {
        let kind = path.extension().and_then(|kind| kind.to_str());
        kind.is_some_and(|kind| KINDS.contains(&kind)) && path.is_file()
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(is_result)
        .collect();
    files.sort();
    let mut text = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        text.push_str(&format!("{}  {name}\n", sha256(&file)?));
    }
    write_atomically(&study.join(NAME), true, |out| {
        out.write_all(text.as_bytes())
    })
}

/// Checks that the tables and figures of a study are as they were written. Those of before there
/// were checksums are taken as they are.
///
/// # Errors
/// [`Error::Content`] naming the first that is missing or another.
pub fn check_checksums(study: &Path) -> Result<()> {
    let path = study.join(NAME);
    if !path.exists() {
        return Ok(());
    }
    let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
    let text = String::from_utf8_lossy(&bytes);
    for (line, row) in (1_u64..).zip(text.lines()) {
        // A name with a folder in it is none that was written.
        let entry = row.split_once("  ").filter(|(_, name)| !name.contains('/'));
        let Some((expected, name)) = entry else {
            let wanted = "a checksum and the name of a file";
            return Err(Error::content(
                &path,
                Place::Line(line),
                wanted,
                row,
                REMEDY,
            ));
        };
        let file = study.join(name);
        let found = sha256(&file)?;
        if found != expected {
            let expected = format!("SHA-256 {expected}, as {NAME} has it");
            return Err(Error::content(file, Place::File, expected, found, REMEDY));
        }
    }
    Ok(())
}
