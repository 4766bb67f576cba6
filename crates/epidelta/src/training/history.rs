//! `history.tsv`: how a training went, one row per epoch. It holds no times, so
//! that the same data, settings and seed give the same file.

use std::{io::Write, path::Path};

use crate::{error::Result, output::write_atomically};

/// One epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
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
#[derive(Debug, Clone, PartialEq, Default)]
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
