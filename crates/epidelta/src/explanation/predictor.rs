//! A fitted method as explanations see it: genes with their signal in, predictions out.

use crate::{
    dataset::{LabelConfig, Pair},
    error::Result,
    method::FittedMethod,
};

/// Genes predicted at once: edited copies of their signal are held in memory.
const AT_ONCE: usize = 2048;

/// A fitted method and the pair that it is explained on.
#[derive(Debug, Clone, Copy)]
pub struct Predictor<'a> {
    /// What was learned.
    pub method: &'a FittedMethod,
    /// The pair, its signal as the method sees it.
    pub pair: &'a Pair,
    /// What the labels are.
    pub label: &'a LabelConfig,
}

impl Predictor<'_> {
    /// Predicts genes as they are.
    ///
    /// # Errors
    /// When a prediction is not a finite number.
    pub fn predict(&self, genes: &[usize]) -> Result<Vec<f64>> {
        predict(self.method, self.pair, genes, self.label)
    }

    /// Predicts genes, each as often as it is listed, with their signal edited as
    /// [`Pair::edited`] does.
    ///
    /// # Errors
    /// When a prediction is not a finite number.
    pub fn predict_edited(
        &self,
        genes: &[usize],
        edit: impl Fn(usize, [&mut [f32]; 2]),
    ) -> Result<Vec<f64>> {
        let mut predicted = Vec::with_capacity(genes.len());
        for (part, of_part) in genes.chunks(AT_ONCE).enumerate() {
            let first = part * AT_ONCE;
            let edited = self
                .pair
                .edited(of_part, |place, signal| edit(first + place, signal));
            let all: Vec<usize> = (0..of_part.len()).collect();
            predicted.extend(predict(self.method, &edited, &all, self.label)?);
        }
        Ok(predicted)
    }

    /// The number of marks.
    pub fn marks(&self) -> usize {
        self.pair.marks().len()
    }
}

fn predict(
    method: &FittedMethod,
    pair: &Pair,
    genes: &[usize],
    label: &LabelConfig,
) -> Result<Vec<f64>> {
    let predictions = method.predict(pair, genes, label)?.genes;
    let predicted = predictions.iter().map(|gene| f64::from(gene.predicted));
    Ok(predicted.collect())
}
