//! `history.tsv`: how a training went, one row per epoch. It holds no times, so
//! that the same data, settings and seed give the same file.

use std::{fs, io::Write, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Place, Result},
    output::write_atomically,
};

/// One epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean total loss of the training genes, each as its batch was trained on.
    pub train_loss: f64,
    /// Mean total loss of the validation genes after the epoch.
    pub valid_loss: f64,
    /// Pearson r of the training genes' fold change, each as its batch was
    /// trained on; none where undefined.
    pub train_pearson_r: Option<f64>,
    /// Pearson r of the validation genes after the epoch; none where undefined.
    pub valid_pearson_r: Option<f64>,
    /// Largest gradient norm of the epoch, before clipping.
    pub gradient_norm: f64,
}

/// All epochs of a training.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct History {
    /// In order.
    pub epochs: Vec<EpochRecord>,
}

/// Writes the histories of a method's networks as one table. Where there are several, each
/// has a name, in a last column: `cell` (a, b) where each is of a cell type, `member` (1, 2, ...)
/// of an ensemble. Undefined correlations are `NA`.
///
/// # Errors
/// When the file cannot be written.
pub fn write_histories(
    histories: &[&History],
    column: Option<(&str, &[String])>,
    path: &Path,
) -> Result<()> {
    let or_na = |r: Option<f64>| r.map_or_else(|| "NA".to_owned(), |r| r.to_string());
    let (column, names) = match column {
        Some((column, names)) => (format!("\t{column}"), names),
        None => (String::new(), &[][..]),
    };
    write_atomically(path, false, |out| {
        writeln!(
            out,
            "epoch\ttrain_loss\tvalid_loss\ttrain_pearson_r\tvalid_pearson_r\tgradient_norm{column}",
        )?;
        for (index, history) in histories.iter().enumerate() {
            let name = names
                .get(index)
                .map_or(String::new(), |name| format!("\t{name}"));
            for epoch in &history.epochs {
                writeln!(
                    out,
                    "{}\t{}\t{}\t{}\t{}\t{}{name}",
                    epoch.epoch,
                    epoch.train_loss,
                    epoch.valid_loss,
                    or_na(epoch.train_pearson_r),
                    or_na(epoch.valid_pearson_r),
                    epoch.gradient_norm
                )?;
            }
        }
        Ok(())
    })
}

/// A network's history, read back.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedHistory {
    /// Which network it is of, where there are several.
    pub name: Option<String>,
    /// Its epochs.
    pub history: History,
}

/// Reads what [`write_histories`] wrote.
///
/// # Errors
/// When the file cannot be read or is another.
pub fn read_histories(path: &Path) -> Result<Vec<NamedHistory>> {
    let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
    let mut histories: Vec<NamedHistory> = Vec::new();
    for (line, row) in (1_u64..).zip(text.lines()).skip(1) {
        let fields: Vec<&str> = row.split('\t').collect();
        let record = record_of(&fields).ok_or_else(|| {
            Error::content(
                path,
                Place::Line(line),
                "an epoch and its five numbers",
                format!("{row:?}"),
                "Give the folder that `epidelta train` wrote, complete and unchanged",
            )
        })?;
        let name = fields.get(6).map(|name| (*name).to_owned());
        match histories.last_mut() {
            Some(last) if last.name == name => last.history.epochs.push(record),
            _ => histories.push(NamedHistory {
                name,
                history: History {
                    epochs: vec![record],
                },
            }),
        }
    }
    Ok(histories)
}

fn record_of(fields: &[&str]) -> Option<EpochRecord> {
    let number = |at: usize| fields.get(at)?.parse::<f64>().ok();
    let or_na = |at: usize| match *fields.get(at)? {
        "NA" => Some(None),
        text => text.parse().ok().map(Some),
    };
    Some(EpochRecord {
        epoch: fields.first()?.parse().ok()?,
        train_loss: number(1)?,
        valid_loss: number(2)?,
        train_pearson_r: or_na(3)?,
        valid_pearson_r: or_na(4)?,
        gradient_norm: number(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_read_back() {
        let record = |epoch| EpochRecord {
            epoch,
            train_loss: 0.1 + epoch as f64,
            valid_loss: 2.5,
            train_pearson_r: None,
            valid_pearson_r: Some(0.25),
            gradient_norm: 1e-3,
        };
        let history = |epochs: &[usize]| History {
            epochs: epochs.iter().map(|&epoch| record(epoch)).collect(),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.tsv");
        let both = [history(&[1, 2]), history(&[1])];
        let names = ["a".to_owned(), "b".to_owned()];
        write_histories(&[&both[0], &both[1]], Some(("cell", &names)), &path).unwrap();
        let read = read_histories(&path).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(
            (read[0].name.as_deref(), &read[0].history),
            (Some("a"), &both[0])
        );
        assert_eq!(
            (read[1].name.as_deref(), &read[1].history),
            (Some("b"), &both[1])
        );
        fs::write(&path, "epoch\n1\tx\t1\t1\t1\t1\n").unwrap();
        let error = read_histories(&path).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
