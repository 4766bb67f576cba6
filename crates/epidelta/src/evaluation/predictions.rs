//! What a method predicts for every gene beside what was observed.

mod read;
mod write;

use crate::{
    dataset::{Pair, Split},
    error::{Error, Result},
};

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
    /// What it is used for, where it is: its split, of one pair.
    pub split: Option<Split>,
    /// Observed log2 fold change.
    pub observed: f64,
    /// Predicted log2 fold change; where genes are classified a score, above zero for
    /// up.
    pub predicted: f32,
    /// Standard deviation of the predicted log2 fold change over the members of an
    /// ensemble of networks, where the method is one.
    pub spread: Option<f32>,
    /// Observed log2 expression, with the pseudocount, in A and in B; none where it is
    /// not known, as in tables of earlier versions.
    pub log2_expression: Option<[f64; 2]>,
    /// Whether the gene goes up, where genes are classified and it is up or down.
    pub up: Option<bool>,
    /// Cell types A and B, where the method has such tasks.
    pub cells: Option<[CellPrediction; 2]>,
    /// Which pair it is of, where there are several.
    pub of_pair: Option<OfPair>,
}

/// Which of several pairs a prediction is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfPair {
    /// The names of the cell types A and B.
    pub cell_types: [String; 2],
    /// The gene's own split, the same in all pairs.
    pub gene_split: Option<Split>,
    /// The split of the two cell types.
    pub cell_split: Split,
}

impl GenePrediction {
    /// A prediction of a joined gene, with nothing but the predicted value.
    pub fn of(pair: &Pair, gene: usize, predicted: f32) -> Self {
        let joined = &pair.genes[gene];
        GenePrediction {
            gene_id: pair.gene_id(gene).to_owned(),
            split: pair.role(gene),
            observed: joined.log2_fold_change,
            predicted,
            spread: None,
            log2_expression: Some(joined.log2_expression()),
            up: None,
            cells: None,
            of_pair: pair.is_of_several().then(|| OfPair {
                cell_types: pair.cell_types(gene).map(str::to_owned),
                gene_split: joined.split,
                cell_split: joined.cell_split,
            }),
        }
    }
}

/// The predictions for many genes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Predictions {
    /// One per gene.
    pub genes: Vec<GenePrediction>,
}

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
}
