//! `predictions.tsv`: what a method predicts for every gene beside what was
//! observed.

use std::{collections::HashMap, io::Write, path::Path};

use crate::{
    dataset::Split,
    error::{Error, Place, Result},
    output::write_atomically,
};

/// Written where a gene has no split.
const NO_SPLIT: &str = "NA";
/// Written where a gene is neither up nor down.
const NO_CLASS: &str = "NA";

/// A cell-specific prediction beside the observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CellPrediction {
    /// Log2 expression.
    Expression {
        /// Observed `log2(expression + pseudocount)`.
        observed: f64,
        /// Predicted.
        predicted: f32,
    },
    /// Expression above the training genes' median.
    AboveMedian {
        /// Observed.
        observed: bool,
        /// Predicted probability.
        probability: f32,
    },
}

impl CellPrediction {
    /// The predicted log2 expression or probability.
    pub fn predicted(self) -> f32 {
        match self {
            CellPrediction::Expression { predicted, .. } => predicted,
            CellPrediction::AboveMedian { probability, .. } => probability,
        }
    }

    /// The same with another prediction.
    #[must_use]
    pub fn with_predicted(self, value: f32) -> Self {
        match self {
            CellPrediction::Expression { observed, .. } => CellPrediction::Expression {
                observed,
                predicted: value,
            },
            CellPrediction::AboveMedian { observed, .. } => CellPrediction::AboveMedian {
                observed,
                probability: value,
            },
        }
    }
}

/// The prediction for one gene.
#[derive(Debug, Clone, PartialEq)]
pub struct GenePrediction {
    /// The gene.
    pub gene_id: String,
    /// Its split, where it has one.
    pub split: Option<Split>,
    /// Observed log2 fold change.
    pub observed: f64,
    /// Predicted log2 fold change; where genes are classified a score, above zero for
    /// up.
    pub predicted: f32,
    /// Whether the gene goes up, where genes are classified and it is up or down.
    pub up: Option<bool>,
    /// Cell types A and B, where the method has such tasks.
    pub cells: Option<[CellPrediction; 2]>,
}

/// The predictions for many genes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Predictions {
    /// One per gene.
    pub genes: Vec<GenePrediction>,
}

const PLAIN: [&str; 4] = ["gene_id", "split", "observed", "predicted"];
const UP: &str = "up";
const EXPRESSION: [&str; 4] = ["observed_a", "predicted_a", "observed_b", "predicted_b"];
const ABOVE_MEDIAN: [&str; 4] = [
    "above_median_a",
    "probability_a",
    "above_median_b",
    "probability_b",
];

impl Predictions {
    /// Whether genes are classified as up or down.
    pub fn is_classified(&self) -> bool {
        self.genes.iter().any(|gene| gene.up.is_some())
    }

    /// These predictions, if all are finite numbers.
    ///
    /// # Errors
    /// [`Error::Data`] naming the first gene whose prediction is not.
    pub fn finite(self) -> Result<Self> {
        match self.genes.iter().find(|gene| !gene.predicted.is_finite()) {
            None => Ok(self),
            Some(gene) => Err(Error::data(
                format!(
                    "the prediction for gene {} is not a finite number",
                    gene.gene_id
                ),
                "Its signal may be extremely large: see it with epidelta inspect, or train with \
                 another --set input.transform",
            )),
        }
    }

    /// Writes the table. Columns: `gene_id`, `split` (train, valid, test or NA),
    /// `observed` and `predicted` (log2 fold change), where genes are classified `up` (1,
    /// 0 or NA; `predicted` is then a score, above zero for up), then for methods with
    /// cell-specific tasks `observed_a predicted_a observed_b predicted_b` (log2
    /// expression) or `above_median_a probability_a above_median_b
    /// probability_b` (1 where expression is above the training genes' median).
    /// Numbers read back exactly.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path, force: bool) -> Result<()> {
        write_atomically(path, force, |out| {
            let cells = match self.genes.first().and_then(|gene| gene.cells) {
                None => &[][..],
                Some([CellPrediction::Expression { .. }, _]) => &EXPRESSION[..],
                Some([CellPrediction::AboveMedian { .. }, _]) => &ABOVE_MEDIAN[..],
            };
            let classified = self.is_classified();
            let up: &[&str] = if classified { &[UP] } else { &[] };
            let header: Vec<&str> = PLAIN.iter().chain(up).chain(cells).copied().collect();
            writeln!(out, "{}", header.join("\t"))?;
            for gene in &self.genes {
                let split = gene.split.map_or(NO_SPLIT, Split::name);
                write!(
                    out,
                    "{}\t{split}\t{}\t{}",
                    gene.gene_id, gene.observed, gene.predicted
                )?;
                match gene.up {
                    Some(up) => write!(out, "\t{}", u8::from(up))?,
                    None if classified => write!(out, "\t{NO_CLASS}")?,
                    None => {}
                }
                for cell in gene.cells.iter().flatten() {
                    match cell {
                        CellPrediction::Expression {
                            observed,
                            predicted,
                        } => write!(out, "\t{observed}\t{predicted}")?,
                        CellPrediction::AboveMedian {
                            observed,
                            probability,
                        } => write!(out, "\t{}\t{probability}", u8::from(*observed))?,
                    }
                }
                writeln!(out)?;
            }
            Ok(())
        })
    }

    /// Reads a table that [`Predictions::write`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read or a line is not of this form.
    pub fn read(path: &Path) -> Result<Self> {
        let bad = |line: u64, expected: &str, found: &str| {
            Error::content(
                path,
                Place::Line(line),
                expected,
                format!("{found:?}"),
                "Make the file again with `epidelta predict` or `epidelta train`",
            )
        };
        let failed = |error: csv::Error| {
            let line = error.position().map_or(0, csv::Position::line);
            bad(line, "a line of predictions.tsv", &error.to_string())
        };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(b'\t')
            .quoting(false)
            .from_path(path)
            .map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(error) => Error::io("read", path)(error),
                other => bad(1, "a header line", &format!("{other:?}")),
            })?;
        let header = reader.headers().map_err(failed)?.clone();
        let columns: HashMap<&str, usize> =
            header.iter().enumerate().map(|(i, n)| (n, i)).collect();
        for name in PLAIN {
            if !columns.contains_key(name) {
                return Err(bad(1, &format!("a column {name}"), header.as_slice()));
            }
        }
        let mut genes = Vec::new();
        for record in reader.records() {
            let record = record.map_err(failed)?;
            let line = record.position().map_or(0, csv::Position::line);
            let field = |name: &str| &record[columns[name]];
            let number = |name: &str| -> Result<f64> {
                let text = field(name);
                let value: Option<f64> = text.parse().ok();
                value
                    .filter(|v| v.is_finite())
                    .ok_or_else(|| bad(line, &format!("a number in column {name}"), text))
            };
            // Predictions are 32-bit: parsed as such, they read back exactly.
            let prediction = |name: &str| -> Result<f32> {
                number(name)?;
                field(name)
                    .parse()
                    .map_err(|_| bad(line, &format!("a number in column {name}"), field(name)))
            };
            let cell = |observed: &str, predicted: &str| -> Result<CellPrediction> {
                Ok(CellPrediction::Expression {
                    observed: number(observed)?,
                    predicted: prediction(predicted)?,
                })
            };
            let above = |observed: &str, probability: &str| -> Result<CellPrediction> {
                Ok(CellPrediction::AboveMedian {
                    observed: number(observed)? > 0.5,
                    probability: prediction(probability)?,
                })
            };
            let has = |names: &[&str]| names.iter().all(|name| columns.contains_key(name));
            let cells = if has(&EXPRESSION) {
                Some([
                    cell("observed_a", "predicted_a")?,
                    cell("observed_b", "predicted_b")?,
                ])
            } else if has(&ABOVE_MEDIAN) {
                Some([
                    above("above_median_a", "probability_a")?,
                    above("above_median_b", "probability_b")?,
                ])
            } else {
                None
            };
            let split = match field("split") {
                NO_SPLIT => None,
                text => Some(
                    text.parse()
                        .map_err(|_| bad(line, "train, valid, test or NA as split", text))?,
                ),
            };
            genes.push(GenePrediction {
                gene_id: field("gene_id").to_owned(),
                split,
                observed: number("observed")?,
                predicted: prediction("predicted")?,
                up: match columns.contains_key(UP) && field(UP) != NO_CLASS {
                    true => Some(number(UP)? > 0.5),
                    false => None,
                },
                cells,
            });
        }
        Ok(Predictions { genes })
    }
}
