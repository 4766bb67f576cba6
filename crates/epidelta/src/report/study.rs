//! The figures of a study: the paper's Figure 4 (test Pearson r per pair, the best
//! DeepDiff variant by name), every method over all pairs, and accuracy beside time.

use std::path::Path;

use super::{
    cost::{Cost, CostPoint},
    dots::{DotRow, Dots},
    figure::Figure,
    grouped_bars::{Bar, Bars, Series},
};
use crate::{
    error::Result,
    method::Family,
    study::{MethodResults, StudyResults},
};

/// The figures of a study.
fn study_figures(results: &StudyResults) -> Vec<Figure> {
    vec![
        Figure::new(
            "pearson_by_pair",
            "Pearson r of the test genes on each pair of cell types",
            "On each pair the baselines, the best of DeepDiff's variants and the best of all other \
             methods, of this pair's test genes as in Figure 4 of the DeepDiff paper: what each \
             family can reach, not what one would have chosen.",
            by_pair(results).draw(),
        ),
        Figure::new(
            "methods",
            "Pearson r of every method over pairs of cell types",
            "A dot for each pair of cell types; the bar is their mean.",
            by_method(results).draw(),
        ),
        Figure::new(
            "cost",
            "Mean Pearson r of every method beside the time of its training",
            "Wall-clock time of a fit, mean over runs.",
            cost(results).draw(),
        ),
    ]
}

/// Writes `pearson_by_pair`, `methods` and `cost`, each as SVG and PNG, into a study's
/// folder.
///
/// # Errors
/// When a file cannot be drawn or written.
pub fn write_study_figures(results: &StudyResults, study: &Path) -> Result<()> {
    study_figures(results)
        .iter()
        .try_for_each(|figure| figure.write(study))
}

/// Figure 4: on each pair the baselines, the best DeepDiff variant and the best of all
/// other methods. The best are those of this pair's test genes, as in the paper: a
/// picture of what each family can reach, not of what one would have chosen.
fn by_pair(results: &StudyResults) -> Bars {
    let is_baseline = |method: &&MethodResults| {
        let relative = method.relative.iter();
        relative
            .map(|r| &r.baseline)
            .any(|name| *name == method.name)
    };
    let bar = |method: &MethodResults, pair: usize, named: bool| {
        let result = method.pairs[pair].as_ref()?;
        Some(Bar {
            value: result.pearson_r,
            interval: result.interval,
            name: named.then(|| method.name.clone()),
        })
    };
    let pairs = || 0..results.pairs.len();
    let best = |label: &str, among: &dyn Fn(&&MethodResults) -> bool| {
        let of_pair = |pair: usize| {
            let r = |method: &&MethodResults| method.pairs[pair].as_ref().map(|p| p.pearson_r);
            let methods = results.methods.iter().filter(among);
            let best = methods
                .filter(|method| r(method).is_some())
                .max_by(|x, y| {
                    r(x).unwrap_or(f64::MIN)
                        .total_cmp(&r(y).unwrap_or(f64::MIN))
                })?;
            bar(best, pair, true)
        };
        let any = results.methods.iter().any(|method| among(&method));
        any.then(|| Series {
            label: label.into(),
            bars: pairs().map(of_pair).collect(),
        })
    };
    let named = results.methods.iter().take(1).flat_map(|m| &m.relative);
    let mut series: Vec<Series> = named
        .filter_map(|r| {
            results
                .methods
                .iter()
                .find(|method| method.name == r.baseline)
        })
        .map(|method| Series {
            label: method.name.clone(),
            bars: pairs().map(|pair| bar(method, pair, false)).collect(),
        })
        .collect();
    series.extend(best("best DeepDiff variant", &|method| {
        method.family == Family::DeepDiff
    }));
    series.extend(best("best other method", &|method| {
        method.family != Family::DeepDiff && !is_baseline(method)
    }));
    Bars {
        title: "Differential expression by pair of cell types".into(),
        x_label: "Pair of cell types, A/B".into(),
        y_label: "Pearson r, test genes (95 % bootstrap)".into(),
        groups: results.pairs.clone(),
        series,
    }
}

/// The families in the order of their colours.
const FAMILIES: [Family; 3] = [Family::DeepDiff, Family::OtherNetwork, Family::NoNetwork];

fn families() -> Vec<String> {
    FAMILIES.map(|family| family.name().to_owned()).to_vec()
}

fn index_of(family: Family) -> usize {
    let position = FAMILIES.iter().position(|of| *of == family);
    position.unwrap_or(0)
}

/// Every method over all pairs.
fn by_method(results: &StudyResults) -> Dots {
    let rows = results.methods.iter().map(|method| DotRow {
        label: method.name.clone(),
        family: index_of(method.family),
        values: method.pearson_r(),
    });
    Dots {
        title: "Methods over pairs of cell types".into(),
        x_label: "Pearson r, test genes; a dot per pair, the bar is the mean".into(),
        families: families(),
        rows: rows.collect(),
    }
}

/// Accuracy beside time.
fn cost(results: &StudyResults) -> Cost {
    let points = results.methods.iter().filter_map(|method| {
        Some(CostPoint {
            label: method.name.clone(),
            family: index_of(method.family),
            seconds: method.fit_seconds?,
            mean_r: method.mean_pearson_r,
        })
    });
    Cost {
        title: "Accuracy and time of training".into(),
        x_label: "Time of a fit (s, logarithmic)".into(),
        y_label: "Mean Pearson r over pairs, test genes".into(),
        families: families(),
        points: points.collect(),
    }
}
