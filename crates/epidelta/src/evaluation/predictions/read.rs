//! Reading `predictions.tsv`.

use std::{collections::HashMap, path::Path};

use csv::StringRecord;

use super::{
    CellPrediction, GenePrediction, OfPair, Predictions,
    write::{ABOVE_MEDIAN, EXPRESSION, NONE, OBSERVED, OF_PAIR, PLAIN, SPREAD, UP},
};
use crate::{
    dataset::Split,
    error::{Error, Place, Result},
};

impl Predictions {
    /// Reads a table that [`Predictions::write`] wrote, of this or an earlier version.
    ///
    /// # Errors
    /// When the file cannot be read or a line is not of this form.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |error: csv::Error| {
            let line = error.position().map_or(0, csv::Position::line);
            bad(path, line, "a line of predictions.tsv", &error.to_string())
        };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(b'\t')
            .quoting(false)
            .from_path(path)
            .map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(error) => Error::io("read", path)(error),
                other => bad(path, 1, "a header line", &format!("{other:?}")),
            })?;
        let header = reader.headers().map_err(failed)?.clone();
        let columns: HashMap<&str, usize> =
            header.iter().enumerate().map(|(i, n)| (n, i)).collect();
        for name in PLAIN {
            if !columns.contains_key(name) {
                let expected = format!("a column {name}");
                return Err(bad(path, 1, &expected, header.as_slice()));
            }
        }
        let mut genes = Vec::new();
        for record in reader.records() {
            let record = record.map_err(failed)?;
            let line = record.position().map_or(0, csv::Position::line);
            let row = Row {
                path,
                line,
                columns: &columns,
                record: &record,
            };
            genes.push(row.gene()?);
        }
        Ok(Predictions { genes })
    }
}

fn bad(path: &Path, line: u64, expected: &str, found: &str) -> Error {
    Error::content(
        path,
        Place::Line(line),
        expected,
        format!("{found:?}"),
        "Make the file again with `epidelta predict` or `epidelta train`",
    )
}

/// A row as it is read.
struct Row<'r> {
    path: &'r Path,
    line: u64,
    columns: &'r HashMap<&'r str, usize>,
    record: &'r StringRecord,
}

impl Row<'_> {
    fn gene(&self) -> Result<GenePrediction> {
        let cells = if self.has(&EXPRESSION) {
            let of = |[observed, predicted]: [&str; 2]| -> Result<CellPrediction> {
                Ok(CellPrediction::Expression {
                    observed: self.number(observed)?,
                    predicted: self.prediction(predicted)?,
                })
            };
            let [a, predicted_a, b, predicted_b] = EXPRESSION;
            Some([of([a, predicted_a])?, of([b, predicted_b])?])
        } else if self.has(&ABOVE_MEDIAN) {
            let of = |[observed, probability]: [&str; 2]| -> Result<CellPrediction> {
                Ok(CellPrediction::AboveMedian {
                    observed: self.number(observed)? > 0.5,
                    probability: self.prediction(probability)?,
                })
            };
            let [a, probability_a, b, probability_b] = ABOVE_MEDIAN;
            Some([of([a, probability_a])?, of([b, probability_b])?])
        } else {
            None
        };
        let log2_expression = match OBSERVED.iter().all(|name| self.is_given(name)) {
            true => Some([self.number(OBSERVED[0])?, self.number(OBSERVED[1])?]),
            false => None,
        };
        let given = |name| self.is_given(name).then_some(name);
        Ok(GenePrediction {
            gene_id: self.field("gene_id").to_owned(),
            split: self.split("split")?,
            observed: self.number("observed")?,
            predicted: self.prediction("predicted")?,
            spread: given(SPREAD)
                .map(|name| self.prediction(name))
                .transpose()?,
            log2_expression,
            up: given(UP)
                .map(|name| Ok(self.number(name)? > 0.5))
                .transpose()?,
            cells,
            of_pair: match self.has(&OF_PAIR) {
                false => None,
                true => {
                    let [a, b, gene_split, cell_split] = OF_PAIR;
                    let of_cells = self.split(cell_split)?;
                    Some(OfPair {
                        cell_types: [a, b].map(|name| self.field(name).to_owned()),
                        gene_split: self.split(gene_split)?,
                        cell_split: of_cells
                            .ok_or_else(|| self.bad("train, valid or test as cell_split", NONE))?,
                    })
                }
            },
        })
    }

    fn split(&self, name: &str) -> Result<Option<Split>> {
        match self.field(name) {
            NONE => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| self.bad(&format!("train, valid, test or NA as {name}"), text)),
        }
    }

    fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.columns.contains_key(name))
    }

    /// Whether there is such a column and a value in it.
    fn is_given(&self, name: &str) -> bool {
        self.columns.contains_key(name) && self.field(name) != NONE
    }

    /// What stands in a column, which must be there.
    fn field(&self, name: &str) -> &str {
        &self.record[self.columns[name]]
    }

    fn number(&self, name: &str) -> Result<f64> {
        let text = self.field(name);
        let value: Option<f64> = text.parse().ok();
        value
            .filter(|v| v.is_finite())
            .ok_or_else(|| self.bad(&format!("a number in column {name}"), text))
    }

    /// Predictions are 32-bit: parsed as such, they read back exactly.
    fn prediction(&self, name: &str) -> Result<f32> {
        self.number(name)?;
        let text = self.field(name);
        text.parse()
            .map_err(|_| self.bad(&format!("a number in column {name}"), text))
    }

    fn bad(&self, expected: &str, found: &str) -> Error {
        bad(self.path, self.line, expected, found)
    }
}
