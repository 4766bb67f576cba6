//! `checksums.sha256`: the checksums of a study's tables and figures, as `sha256sum` writes and
//! checks them.

use std::{fs, io::Write, path::Path};

use super::DESCRIPTION;
use crate::{
    error::{Error, Place, Result},
    output::write_atomically,
    provenance::sha256,
};

const NAME: &str = "checksums.sha256";
/// What a study writes beside its runs.
const FILES: [&str; 15] = [
    "auxiliary.tsv",
    "comparisons.tsv",
    "cost.png",
    "cost.svg",
    "cost.tsv",
    "differences.tsv",
    "methods.png",
    "methods.svg",
    "methods.tsv",
    "pearson.tsv",
    "pearson_by_pair.png",
    "pearson_by_pair.svg",
    "runs.tsv",
    "study.json",
    DESCRIPTION,
];
const REMEDY: &str = "Run the study again with --resume, which makes its tables and figures anew";

/// Writes the checksums of all tables and figures in a study's folder.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_checksums(study: &Path) -> Result<()> {
    let mut text = String::new();
    for name in FILES {
        let file = study.join(name);
        if file.exists() {
            text.push_str(&format!("{}  {name}\n", sha256(&file)?));
        }
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
        let found = match file.exists() {
            true => sha256(&file)?,
            false => "no such file".to_owned(),
        };
        if found != expected {
            let expected = format!("SHA-256 {expected}, as {NAME} has it");
            return Err(Error::content(file, Place::File, expected, found, REMEDY));
        }
    }
    Ok(())
}
