//! Writing `predictions.tsv`.

use std::{io::Write, path::Path};

use super::{CellPrediction, GenePrediction, Predictions};
use crate::{dataset::Split, error::Result, output::write_atomically};

/// Written where a gene has no split, no spread, no expression, or is neither up nor
/// down.
pub(super) const NONE: &str = "NA";

pub(super) const PLAIN: [&str; 4] = ["gene_id", "split", "observed", "predicted"];
pub(super) const SPREAD: &str = "spread";
pub(super) const UP: &str = "up";
pub(super) const EXPRESSION: [&str; 4] = ["observed_a", "predicted_a", "observed_b", "predicted_b"];
pub(super) const ABOVE_MEDIAN: [&str; 4] = [
    "above_median_a",
    "probability_a",
    "above_median_b",
    "probability_b",
];
pub(super) const OBSERVED: [&str; 2] = ["observed_a", "observed_b"];
pub(super) const OF_PAIR: [&str; 4] = ["cell_type_a", "cell_type_b", "gene_split", "cell_split"];

/// The columns of a table beside those that each has.
struct Columns {
    spread: bool,
    up: bool,
    cells: &'static [&'static str],
    /// Whether the observed log2 expression stands in columns of its own, since it is
    /// not among those of the cell-specific task.
    observed: bool,
    of_pair: bool,
}

impl Columns {
    fn of(predictions: &Predictions) -> Self {
        let genes = &predictions.genes;
        let cells = match genes.first().and_then(|gene| gene.cells) {
            None => &[][..],
            Some([CellPrediction::Expression { .. }, _]) => &EXPRESSION[..],
            Some([CellPrediction::AboveMedian { .. }, _]) => &ABOVE_MEDIAN[..],
        };
        Columns {
            spread: genes.iter().any(|gene| gene.spread.is_some()),
            up: predictions.is_classified(),
            cells,
            observed: cells != EXPRESSION && genes.iter().any(|g| g.log2_expression.is_some()),
            of_pair: genes.iter().any(|gene| gene.of_pair.is_some()),
        }
    }

    fn header(&self) -> String {
        let when = |there: bool, names: &'static [&'static str]| match there {
            true => names,
            false => &[],
        };
        let names = PLAIN.iter().chain(when(self.spread, &[SPREAD]));
        let names = names.chain(when(self.up, &[UP])).chain(self.cells);
        let names: Vec<&str> = names
            .chain(when(self.observed, &OBSERVED))
            .chain(when(self.of_pair, &OF_PAIR))
            .copied()
            .collect();
        names.join("\t")
    }

    fn row(&self, gene: &GenePrediction) -> String {
        let split = gene.split.map_or(NONE, Split::name);
        let mut row = vec![
            gene.gene_id.clone(),
            split.to_owned(),
            gene.observed.to_string(),
            gene.predicted.to_string(),
        ];
        if self.spread {
            row.push(or_none(gene.spread));
        }
        if self.up {
            row.push(or_none(gene.up.map(u8::from)));
        }
        for cell in gene.cells.iter().flatten() {
            let (observed, predicted) = match *cell {
                CellPrediction::Expression {
                    observed,
                    predicted,
                } => (observed.to_string(), predicted),
                CellPrediction::AboveMedian {
                    observed,
                    probability,
                } => (u8::from(observed).to_string(), probability),
            };
            row.extend([observed, predicted.to_string()]);
        }
        if self.observed {
            let of_cell = |cell: usize| or_none(gene.log2_expression.map(|both| both[cell]));
            row.extend([of_cell(0), of_cell(1)]);
        }
        if let (true, Some(of_pair)) = (self.of_pair, &gene.of_pair) {
            row.extend(of_pair.cell_types.iter().cloned());
            row.push(of_pair.gene_split.map_or(NONE, Split::name).to_owned());
            row.push(of_pair.cell_split.name().to_owned());
        }
        row.join("\t")
    }
}

fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}

impl Predictions {
    /// Writes the table. Columns: `gene_id`, `split` (train, valid, test or NA),
    /// `observed` and `predicted` (log2 fold change), of ensembles `spread` (standard
    /// deviation over the members), where genes are classified `up` (1,
    /// 0 or NA; `predicted` is then a score, above zero for up), then for methods with
    /// cell-specific tasks `observed_a predicted_a observed_b predicted_b` (log2
    /// expression) or `above_median_a probability_a above_median_b
    /// probability_b` (1 where expression is above the training genes' median), and
    /// where they are not among these `observed_a observed_b` (log2 expression). Where there
    /// are several pairs, `cell_type_a cell_type_b`, and the splits of the gene and of the two
    /// cell types, `gene_split cell_split`; `split` is then what the gene of this pair is used
    /// for.
    /// Numbers read back exactly.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path, force: bool) -> Result<()> {
        write_atomically(path, force, |out| {
            let columns = Columns::of(self);
            writeln!(out, "{}", columns.header())?;
            self.genes
                .iter()
                .try_for_each(|gene| writeln!(out, "{}", columns.row(gene)))
        })
    }
}
