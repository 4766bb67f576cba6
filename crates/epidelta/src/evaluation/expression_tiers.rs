//! Pearson's r among genes of like expression. A gene without reads in either cell type
//! has a fold change of zero that is easy to predict; one with many has a fold change
//! that is measured well. One r over all genes tells of both.

use serde::{Deserialize, Serialize};

use super::metrics::{pearson_r, quantile};

/// The least log2 expression, pseudocount included, of an expressed gene.
const EXPRESSED: f64 = 1.0;

/// Pearson's r of genes that are expressed in A or in B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpressedMetrics {
    /// The least log2 expression, pseudocount included, in A or in B.
    pub threshold: f64,
    /// Pearson's r of the log2 fold change; null where undefined.
    pub pearson_r: Option<f64>,
    /// Genes.
    pub genes: usize,
}

/// Pearson's r of genes of like expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TierMetrics {
    /// Which genes.
    pub tier: Tier,
    /// The least log2 expression, in A or in B, whichever is higher; null where there is
    /// no bound.
    pub from: Option<f64>,
    /// The log2 expression that they stay below; null where there is no bound.
    pub below: Option<f64>,
    /// Pearson's r of the log2 fold change; null where undefined.
    pub pearson_r: Option<f64>,
    /// Genes.
    pub genes: usize,
}

/// Unexpressed genes, and thirds of the expressed ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// In neither cell type.
    Unexpressed,
    /// The lowest third.
    Low,
    /// The middle third.
    Middle,
    /// The highest third.
    High,
}

/// Measures predictions by the higher of the two log2 expressions of each gene.
pub(super) fn by_expression(
    observed: &[f64],
    predicted: &[f64],
    higher: &[f64],
) -> (ExpressedMetrics, Vec<TierMetrics>) {
    let among = |from: Option<f64>, below: Option<f64>| {
        let in_tier = |x: f64| from.is_none_or(|from| x >= from) && below.is_none_or(|b| x < b);
        let genes: Vec<usize> = (0..higher.len()).filter(|&g| in_tier(higher[g])).collect();
        let of = |values: &[f64]| genes.iter().map(|&g| values[g]).collect::<Vec<_>>();
        (pearson_r(&of(observed), &of(predicted)), genes.len())
    };
    let (pearson_r, genes) = among(Some(EXPRESSED), None);
    let expressed = ExpressedMetrics {
        threshold: EXPRESSED,
        pearson_r,
        genes,
    };
    let mut sorted: Vec<f64> = higher.iter().copied().filter(|&x| x >= EXPRESSED).collect();
    sorted.sort_by(f64::total_cmp);
    let third = |of_three: f64| quantile(&sorted, of_three / 3.0);
    let mut bounds = vec![(Tier::Unexpressed, None, Some(EXPRESSED))];
    if let (Some(first), Some(second)) = (third(1.0), third(2.0)) {
        bounds.push((Tier::Low, Some(EXPRESSED), Some(first)));
        bounds.push((Tier::Middle, Some(first), Some(second)));
        bounds.push((Tier::High, Some(second), None));
    }
    let tiers = bounds.into_iter().map(|(tier, from, below)| {
        let (pearson_r, genes) = among(from, below);
        TierMetrics {
            tier,
            from,
            below,
            pearson_r,
            genes,
        }
    });
    (expressed, tiers.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: tools/reference/metrics.py (NumPy 2.5, SciPy 1.17).
    #[test]
    fn equal_to_numpy_and_scipy() {
        // No pattern: multiples of the golden ratio, modulo one.
        let value = |i: usize, by: f64| (i as f64 * by).fract();
        let genes = 40;
        let observed: Vec<f64> = (0..genes).map(|i| value(i, 0.618_033_988_75)).collect();
        let predicted: Vec<f64> = (0..genes)
            .map(|i| observed[i] + value(i, 0.414_213_562_37))
            .collect();
        let higher: Vec<f64> = (0..genes)
            .map(|i| 6.0 * value(i, 0.732_050_807_57))
            .collect();
        let (expressed, tiers) = by_expression(&observed, &predicted, &higher);
        let close = |found: Option<f64>, expected: f64| {
            let found = found.expect("a value");
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        };
        assert_eq!(expressed.genes, 33);
        close(expressed.pearson_r, 0.749_436_189_493_417_4);
        let expected = [
            (1.0, 7, 0.679_119_196_778_657_2),
            (2.746_133_917_939_997_3, 11, 0.664_334_038_071_080_3),
            (4.315_353_299_619_997, 11, 0.872_076_281_034_745_7),
            (9.0, 11, 0.744_906_278_962_182_2),
        ];
        assert_eq!(tiers.len(), expected.len());
        for (tier, (below, genes, r)) in tiers.iter().zip(expected) {
            assert_eq!(tier.genes, genes, "{tier:?}");
            close(tier.pearson_r, r);
            close(Some(tier.below.unwrap_or(f64::INFINITY).min(9.0)), below);
        }
        assert_eq!(tiers[2].from, tiers[1].below);
        assert_eq!((tiers[0].from, tiers[3].below), (None, None));
    }

    #[test]
    fn nothing_is_expressed() {
        let (expressed, tiers) = by_expression(&[0.1, 0.2], &[0.1, 0.4], &[0.0, 0.5]);
        assert_eq!((expressed.genes, expressed.pearson_r), (0, None));
        assert_eq!(tiers.len(), 1);
        assert_eq!((tiers[0].tier, tiers[0].genes), (Tier::Unexpressed, 2));
    }
}
