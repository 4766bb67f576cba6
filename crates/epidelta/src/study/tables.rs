//! A study's tables: tab-separated, with a header line, `NA` where there is nothing.

use std::{io::Write, path::Path};

use super::results::StudyResults;
use crate::{error::Result, output::write_atomically};

/// A table's columns and rows.
struct Tsv {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl StudyResults {
    /// Writes every table and `study.json` into the study's folder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, study: &Path) -> Result<()> {
        let tables = [
            ("pearson.tsv", self.pearson()),
            ("methods.tsv", self.methods()),
            ("comparisons.tsv", self.comparisons()),
            ("differences.tsv", self.differences()),
            ("auxiliary.tsv", self.auxiliary()),
            ("runs.tsv", self.runs()),
            ("cost.tsv", self.cost()),
        ];
        for (name, table) in tables {
            table.write(&study.join(name))?;
        }
        write_atomically(&study.join("study.json"), true, |out| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            writeln!(out)
        })
    }

    fn pearson(&self) -> Tsv {
        let mut table = Tsv::new(&[
            "pair",
            "method",
            "pearson_r",
            "low_95",
            "high_95",
            "valid_pearson_r",
            "spearman_r",
            "mse",
            "genes",
            "seeds",
            "chosen",
            "new_cell_types_pearson_r",
        ]);
        for (index, pair) in self.pairs.iter().enumerate() {
            for method in &self.methods {
                let result = method.pairs[index].as_ref();
                let interval = result.and_then(|result| result.interval);
                table.rows.push(vec![
                    pair.clone(),
                    method.name.clone(),
                    number(result.map(|r| r.pearson_r)),
                    number(interval.map(|[low, _]| low)),
                    number(interval.map(|[_, high]| high)),
                    number(result.and_then(|r| r.valid_pearson_r)),
                    number(result.and_then(|r| r.spearman_r)),
                    number(result.and_then(|r| r.mse)),
                    result.map_or(NOTHING.into(), |r| r.genes.to_string()),
                    result.map_or("0".into(), |r| r.seeds.to_string()),
                    text(result.map_or("", |r| &r.chosen)),
                    number(result.and_then(|r| r.new_cell_types_pearson_r)),
                ]);
            }
        }
        table
    }

    fn methods(&self) -> Tsv {
        let mut table = Tsv::new(&[
            "method",
            "mean_pearson_r",
            "median_pearson_r",
            "mean_rank",
            "best_on",
            "pairs",
        ]);
        for relative in self
            .methods
            .iter()
            .take(1)
            .flat_map(|method| &method.relative)
        {
            for kind in ["mean", "median"] {
                let name = format!("{kind}_percent_over_{}", relative.baseline);
                table.columns.push(name);
            }
        }
        for method in &self.methods {
            let mut row = vec![
                method.name.clone(),
                number(method.mean_pearson_r),
                number(method.median_pearson_r),
                number(method.mean_rank),
                method.best_on.to_string(),
                method.pairs.iter().flatten().count().to_string(),
            ];
            for relative in &method.relative {
                row.push(number(relative.mean));
                row.push(number(relative.median));
            }
            table.rows.push(row);
        }
        table
    }

    fn comparisons(&self) -> Tsv {
        let mut table = Tsv::new(&[
            "method",
            "than",
            "pairs",
            "better_on",
            "mean_difference",
            "p",
            "p_holm",
        ]);
        for comparison in &self.comparisons {
            table.rows.push(vec![
                comparison.method.clone(),
                comparison.than.clone(),
                comparison.pairs.to_string(),
                comparison.better_on.to_string(),
                number(comparison.mean_difference),
                number(comparison.p),
                number(comparison.p_holm),
            ]);
        }
        table
    }

    fn differences(&self) -> Tsv {
        let columns = [
            "pair",
            "method",
            "baseline",
            "difference",
            "low_95",
            "high_95",
        ];
        let mut table = Tsv::new(&columns);
        for row in &self.differences {
            table.rows.push(vec![
                row.pair.clone(),
                row.method.clone(),
                row.baseline.clone(),
                number(row.difference),
                number(row.interval.map(|[low, _]| low)),
                number(row.interval.map(|[_, high]| high)),
            ]);
        }
        table
    }

    fn auxiliary(&self) -> Tsv {
        let mut table = Tsv::new(&[
            "variant",
            "regression_pearson_r",
            "classification_pearson_r",
            "cells_pearson_r",
            "cells_auroc",
            "classification_better_on",
            "pairs",
            "p",
        ]);
        for row in &self.auxiliary {
            table.rows.push(vec![
                row.variant.clone(),
                number(row.regression_pearson_r),
                number(row.classification_pearson_r),
                number(row.cells_pearson_r),
                number(row.cells_auroc),
                row.classification_better_on.to_string(),
                row.pairs.to_string(),
                number(row.p),
            ]);
        }
        table
    }

    fn runs(&self) -> Tsv {
        let mut table = Tsv::new(&[
            "pair",
            "method",
            "tried",
            "seed",
            "chosen",
            "test_pearson_r",
            "valid_pearson_r",
            "failure",
        ]);
        for run in &self.runs {
            table.rows.push(vec![
                run.pair.clone(),
                run.method.clone(),
                text(&run.tried),
                run.seed.to_string(),
                run.chosen.to_string(),
                number(run.test_pearson_r),
                number(run.valid_pearson_r),
                text(run.failure.as_deref().unwrap_or("")),
            ]);
        }
        table
    }

    fn cost(&self) -> Tsv {
        let mut table = Tsv::new(&["method", "mean_fit_seconds", "all_fits_seconds"]);
        for method in &self.methods {
            table.rows.push(vec![
                method.name.clone(),
                number(method.fit_seconds),
                number(Some(method.all_seconds)),
            ]);
        }
        table
    }
}

const NOTHING: &str = "NA";

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| value.to_string())
}

/// Text as a field: on one line, without tabs.
fn text(text: &str) -> String {
    match text {
        "" => NOTHING.into(),
        text => text.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

impl Tsv {
    fn new(columns: &[&str]) -> Self {
        Tsv {
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, true, |out| {
            writeln!(out, "{}", self.columns.join("\t"))?;
            for row in &self.rows {
                writeln!(out, "{}", row.join("\t"))?;
            }
            Ok(())
        })
    }
}
