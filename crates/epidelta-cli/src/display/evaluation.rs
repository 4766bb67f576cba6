//! What the one number of a method stands on: how sure it is, which genes it comes from,
//! how high it could be, and what simple methods make of the same genes.

use std::{collections::BTreeMap, fmt::Write};

use comfy_table::Table;
use epidelta::{
    evaluation::{CallMetrics, Metrics, SplitMetrics, TierMetrics},
    run::{BaselineMetrics, BaselineSplit, Noise, NoiseCeilings},
};

use super::table;

/// The groups of genes of a split, then a line for each thing to be known of them; of the
/// test genes, or of those without a split where there are none.
pub fn evaluation_details(metrics: &Metrics, ceilings: Option<&NoiseCeilings>) -> Option<String> {
    let (split, of_split) = metrics.splits().find(|(split, _)| is_told(split))?;
    let mut text = groups_table(split, of_split).to_string();
    text.push('\n');
    let mut line = |of_line: String| {
        let _ = write!(text, "\n{of_line}");
    };
    if let Some([low, high]) = of_split.pearson_interval {
        line(format!(
            "Pearson r of the {split} genes: 95 % interval {low:.4} to {high:.4} (bootstrap over genes)"
        ));
    }
    let ceiling = ceilings.and_then(|ceilings| {
        let ceiling = ceilings.splits().find(|(name, _)| *name == split)?.1;
        Some((ceilings.noise, ceiling))
    });
    if let Some((noise, ceiling)) = ceiling {
        let noise = match noise {
            Noise::Counting => "the noise of counting reads alone",
            Noise::Replicates => "all that the replicates differ in",
        };
        line(format!(
            "noise ceiling of Pearson r: {:.4}, by {noise}",
            ceiling.pearson_r
        ));
    }
    if let Some(spread) = &of_split.spread {
        let errors = spread.fifths.iter();
        let errors: Vec<String> = errors.map(|f| format!("{:.2}", f.absolute_error)).collect();
        line(format!(
            "spread of the ensemble: Spearman r with |error| {}; mean |error| by fifths, the least \
             spread first: {}",
            number(spread.spearman_r),
            errors.join(" ")
        ));
        let coverage = spread.coverage.iter().flatten();
        let coverage: Vec<String> = coverage
            .map(|c| {
                format!(
                    "{:.0} % hold {:.1} %",
                    100.0 * c.nominal,
                    100.0 * c.observed
                )
            })
            .collect();
        if let (Some(calibration), false) = (metrics.spread_calibration, coverage.is_empty()) {
            line(format!(
                "intervals by sqrt({:.3}^2 + ({:.3} spread)^2), fitted to the validation genes: {}",
                calibration.constant,
                calibration.factor,
                coverage.join(", ")
            ));
        }
    }
    Some(text)
}

/// A line for each baseline, with what it means for the method.
pub fn baseline_lines(method: &str, baselines: &BTreeMap<String, BaselineMetrics>) -> Vec<String> {
    let lines = baselines.iter().filter_map(|(name, metrics)| {
        let splits = [
            ("test", &metrics.test),
            ("valid", &metrics.valid),
            ("new cell types", &metrics.new_cell_types),
        ];
        let mut splits = splits.into_iter();
        let (split, of_split) = splits.find_map(|(name, of)| Some((name, of.as_ref()?)))?;
        let measures = [
            ("Pearson r", of_split.pearson_r),
            ("AUROC", of_split.auroc),
            ("accuracy", of_split.accuracy),
            ("MSE", of_split.mse),
        ];
        let measures: Vec<String> = measures
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name} {:.4}", value?)))
            .collect();
        let what = match name.as_str() {
            "mean" => "no signal, the training genes' mean".to_owned(),
            "majority" => "no signal, the training genes' majority".to_owned(),
            "mean-of-known-cell-types" => "no signal, the mean of known cell types".to_owned(),
            "nearest-known-cell-type" => "the most similar known cell type".to_owned(),
            name => format!("baseline {name}"),
        };
        let verdict = verdict(method, name, of_split);
        Some(format!("{what}: {split} {}{verdict}", measures.join(", ")))
    });
    lines.collect()
}

/// Whether a method is better than a baseline, and how sure that is.
fn verdict(method: &str, baseline: &str, of_split: &BaselineSplit) -> String {
    let found = of_split
        .difference
        .and_then(|found| Some((found.difference()?, found.interval)));
    let Some((difference, [low, high])) = found else {
        return String::new();
    };
    let what = if of_split.auroc.is_some() {
        "AUROC"
    } else {
        "Pearson r"
    };
    let words = if low > 0.0 {
        format!("{method} is better")
    } else if high < 0.0 {
        format!("{method} is worse than {baseline}")
    } else {
        format!("{method} is not shown to be better than {baseline}")
    };
    format!("; {words}: {what} {difference:+.4} (95 % interval {low:+.4} to {high:+.4})")
}

fn is_told(split: &str) -> bool {
    ["test", "without split"].contains(&split)
}

fn groups_table(split: &str, metrics: &SplitMetrics) -> Table {
    let header = format!("{split} genes");
    let mut table = table(&[
        &header,
        "genes",
        "Pearson r",
        "AUROC",
        "AUPR",
        "AUPR by chance",
    ]);
    let correlated = |genes: usize, r: Option<f64>| [genes.to_string(), number(r)];
    let mut add = |name: String, values: &[String]| {
        let mut row = vec![name];
        row.extend_from_slice(values);
        table.add_row(row);
    };
    add("all".into(), &correlated(metrics.genes, metrics.pearson_r));
    if let (Some(aupr), Some(share)) = (metrics.aupr, metrics.share_up) {
        let up = (share * metrics.genes as f64).round();
        let values = [
            up.to_string(),
            String::new(),
            number(metrics.auroc),
            number(Some(aupr)),
        ];
        add("up".into(), &[&values[..], &[number(Some(share))]].concat());
    }
    if let Some(expressed) = &metrics.expressed {
        let name = format!("log2 expression {} or more in A or B", expressed.threshold);
        add(name, &correlated(expressed.genes, expressed.pearson_r));
    }
    for tier in metrics.tiers.iter().flatten() {
        add(tier_in_words(tier), &correlated(tier.genes, tier.pearson_r));
    }
    if let Some(calls) = &metrics.calls {
        let values = |call: &CallMetrics| {
            [
                call.genes.to_string(),
                String::new(),
                number(call.auroc),
                number(call.aupr),
                number(Some(call.share)),
            ]
        };
        add(
            format!("up by {} or more", calls.threshold),
            &values(&calls.up),
        );
        add(
            format!("down by {} or more", calls.threshold),
            &values(&calls.down),
        );
    }
    table
}

fn tier_in_words(tier: &TierMetrics) -> String {
    match (tier.from, tier.below) {
        (Some(from), Some(below)) => format!("  {from:.2} to {below:.2} in the higher of both"),
        (Some(from), None) => format!("  {from:.2} or more"),
        (None, Some(below)) => format!("  below {below:.2} in both"),
        (None, None) => "  any".into(),
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or("undefined".into(), |v| format!("{v:.4}"))
}
