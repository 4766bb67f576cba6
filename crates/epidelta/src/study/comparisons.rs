//! Methods of a study beside each other, over its pairs.

use serde::Serialize;

use super::{
    methods::StudyMethod,
    plan::StudyPlan,
    read::Runs,
    results::{MethodResults, mean_of},
};
use crate::{
    evaluation::{CellMetrics, holm, signed_rank},
    method::{MethodConfig, Settings},
    model::Auxiliary,
};

/// Two methods over the pairs that both have (Wilcoxon's signed-rank test).
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The method.
    pub method: String,
    /// What it is compared with.
    pub than: String,
    /// Pairs that both have.
    pub pairs: usize,
    /// Pairs on which the method's r is higher.
    pub better_on: usize,
    /// Mean of the differences of r.
    pub mean_difference: Option<f64>,
    /// Two-sided p value; null where no difference is left.
    pub p: Option<f64>,
    /// The p value, adjusted for the methods that are compared with the same one
    /// (Holm).
    pub p_holm: Option<f64>,
}

/// A variant with regression and with classification as cell-specific task.
#[derive(Debug, Clone, Serialize)]
pub struct AuxiliaryComparison {
    /// The variant, by its name in the study.
    pub variant: String,
    /// Mean test Pearson r of the fold change with regression.
    pub regression_pearson_r: Option<f64>,
    /// The same with classification.
    pub classification_pearson_r: Option<f64>,
    /// Mean Pearson r of log2 expression within the cell types.
    pub cells_pearson_r: Option<f64>,
    /// Mean area under the ROC curve of expression above the median.
    pub cells_auroc: Option<f64>,
    /// Pairs on which classification is better.
    pub classification_better_on: usize,
    /// Pairs that both have.
    pub pairs: usize,
    /// Two-sided p value of the signed-rank test.
    pub p: Option<f64>,
}

/// Every method beside each baseline and beside the method of the best mean rank.
pub(super) fn comparisons(
    plan: &StudyPlan,
    methods: &[MethodResults],
    r: &[Vec<Option<f64>>],
) -> Vec<Comparison> {
    let best = (0..methods.len())
        .filter_map(|method| Some((methods[method].mean_rank?, method)))
        .min_by(|x, y| x.0.total_cmp(&y.0))
        .map(|(_, method)| method);
    let mut references = plan.baselines.clone();
    references.extend(best.filter(|best| !plan.baselines.contains(best)));
    let mut comparisons = Vec::new();
    for reference in references {
        let others = (0..methods.len()).filter(|&method| method != reference);
        let mut of_reference: Vec<Comparison> = others
            .map(|method| {
                let differences = differences(&r[method], &r[reference]);
                Comparison {
                    method: methods[method].name.clone(),
                    than: methods[reference].name.clone(),
                    pairs: differences.len(),
                    better_on: differences.iter().filter(|&&d| d > 0.0).count(),
                    mean_difference: mean_of(differences.iter().copied()),
                    p: signed_rank(&differences).map(|test| test.p),
                    p_holm: None,
                }
            })
            .collect();
        let tested: Vec<f64> = of_reference.iter().filter_map(|c| c.p).collect();
        let mut adjusted = holm(&tested).into_iter();
        for comparison in &mut of_reference {
            comparison.p_holm = comparison.p.and_then(|_| adjusted.next());
        }
        comparisons.extend(of_reference);
    }
    comparisons
}

/// The differences of r over the pairs that both have.
fn differences(r: &[Option<f64>], of_other: &[Option<f64>]) -> Vec<f64> {
    let both = r.iter().zip(of_other);
    both.filter_map(|(x, y)| Some((*x)? - (*y)?)).collect()
}

/// The variants that a study has with both cell-specific tasks.
pub(super) fn auxiliary(
    plan: &StudyPlan,
    runs: &Runs,
    chosen: &[Vec<usize>],
    r: &[Vec<Option<f64>>],
) -> Vec<AuxiliaryComparison> {
    // Of a method that is not tuned, its cell-specific task, and its settings but that.
    let task = |method: &StudyMethod| -> Option<(Auxiliary, Settings)> {
        let [candidate] = &method.candidates[..] else {
            return None;
        };
        let mut settings = candidate.settings.clone();
        let MethodConfig::DeepDiff(deepdiff) = &mut settings.method else {
            return None;
        };
        let task = std::mem::replace(&mut deepdiff.model.auxiliary, Auxiliary::None);
        Some((task, settings))
    };
    let mean_r = |method: usize| mean_of(r[method].iter().copied().flatten());
    // A measure of the cell types' own tasks, over pairs, seeds, A and B.
    let cells = |method: usize, of: fn(&CellMetrics) -> Option<f64>| {
        let pairs = chosen.iter().enumerate();
        let of_method = pairs.flat_map(|(pair, chosen)| runs.of(pair, method, chosen[method]));
        let tests = of_method.filter_map(|run| run.metrics.as_ref().ok()?.best.test.as_ref());
        let cells = tests.flat_map(|test| [&test.cell_a, &test.cell_b]);
        mean_of(cells.filter_map(|cell| of(cell.as_ref()?)))
    };
    let methods = plan.methods.iter().enumerate();
    methods
        .filter_map(|(with_regression, method)| {
            let (Auxiliary::Regression, settings) = task(method)? else {
                return None;
            };
            let same = Some((Auxiliary::Classification, settings));
            let with_classification = plan.methods.iter().position(|other| {
                other.method == method.method
                    && other.trained_on == method.trained_on
                    && task(other) == same
            })?;
            let differences = differences(&r[with_classification], &r[with_regression]);
            Some(AuxiliaryComparison {
                variant: method.name.clone(),
                regression_pearson_r: mean_r(with_regression),
                classification_pearson_r: mean_r(with_classification),
                cells_pearson_r: cells(with_regression, |cell| match cell {
                    CellMetrics::Regression { pearson_r, .. } => *pearson_r,
                    CellMetrics::Classification { .. } => None,
                }),
                cells_auroc: cells(with_classification, |cell| match cell {
                    CellMetrics::Classification { auroc, .. } => *auroc,
                    CellMetrics::Regression { .. } => None,
                }),
                classification_better_on: differences.iter().filter(|&&d| d > 0.0).count(),
                pairs: differences.len(),
                p: signed_rank(&differences).map(|test| test.p),
            })
        })
        .collect()
}
