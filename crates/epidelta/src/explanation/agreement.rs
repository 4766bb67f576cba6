//! Whether two rankings of the same marks or regions agree, gene by gene.

use serde::Serialize;

use super::mean::Mean;
use crate::evaluation::spearman_r;

/// The mean over genes of Spearman's rank correlation of two scores of its units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// What agrees with what.
    pub of: [String; 2],
    /// Units that are ranked: `mark` or `region`.
    pub unit: String,
    /// The mean; genes whose scores do not vary do not count. None where none is left.
    pub rho: Option<Mean>,
}

impl Agreement {
    /// Of two scores of each gene, `[gene][unit]`, by their sizes.
    pub(super) fn of_scores(of: [&str; 2], unit: &str, scores: [&[Vec<f64>]; 2]) -> Self {
        let [x, y] = scores;
        let both = x.iter().zip(y);
        let rho: Vec<f64> = both.filter_map(|(x, y)| rank_correlation(x, y)).collect();
        Agreement {
            of: of.map(str::to_owned),
            unit: unit.into(),
            rho: Mean::of(&rho),
        }
    }

    /// Of the same score by several networks: for each gene the mean over their pairs.
    pub(super) fn among(what: &str, unit: &str, networks: &[Vec<Vec<f64>>]) -> Self {
        let genes = networks.first().map_or(0, Vec::len);
        let of_gene = |gene: usize| {
            let mut sum = 0.0;
            let mut pairs = 0.0;
            for (first, x) in networks.iter().enumerate() {
                for y in &networks[first + 1..] {
                    if let Some(rho) = rank_correlation(&x[gene], &y[gene]) {
                        sum += rho;
                        pairs += 1.0;
                    }
                }
            }
            (pairs > 0.0).then(|| sum / pairs)
        };
        let rho: Vec<f64> = (0..genes).filter_map(of_gene).collect();
        Agreement {
            of: [what.into(), format!("{what} of another seed")],
            unit: unit.into(),
            rho: Mean::of(&rho),
        }
    }
}

/// Of the sizes of scores; what has none is in no ranking.
fn rank_correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    let both = x.iter().zip(y);
    let known = both.filter(|(x, y)| x.is_finite() && y.is_finite());
    let (x, y): (Vec<f64>, Vec<f64>) = known.map(|(x, y)| (x.abs(), y.abs())).unzip();
    spearman_r(&x, &y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_by_size_and_gene_by_gene() {
        let x = vec![
            vec![1.0, -2.0, 3.0],
            vec![5.0, 5.0, 5.0],
            vec![1.0, 2.0, 3.0],
        ];
        let y = vec![
            vec![0.1, 0.2, 0.3],
            vec![1.0, 2.0, 3.0],
            vec![3.0, 2.0, 1.0],
        ];
        let agreement = Agreement::of_scores(["x", "y"], "mark", [&x, &y]);
        // The second gene's scores do not vary; the others agree, and are opposite.
        assert_eq!(agreement.rho.unwrap().genes, 2);
        assert_eq!(agreement.rho.unwrap().mean, 0.0);
        let among = Agreement::among("x", "mark", &[x.clone(), x.clone(), x]);
        assert!((among.rho.unwrap().mean - 1.0).abs() < 1e-12);
        assert!(Agreement::among("x", "mark", &[]).rho.is_none());
    }
}
