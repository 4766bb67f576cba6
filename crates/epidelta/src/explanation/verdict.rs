//! What to make of the numbers, in sentences that do not say more than these.

use super::{
    agreement::Agreement,
    curves::{Curve, Curves, Ranking, Unit},
    faithfulness::Faithfulness,
    mean::{Mean, two_digits},
};

/// Rank correlations from which on two rankings agree, and agree well.
const AGREES: f64 = 0.4;
const AGREES_WELL: f64 = 0.7;
/// Fewer genes tell nothing.
const FEWEST: usize = 10;

/// What to make of it all, in a sentence or two.
pub(super) fn verdict(found: &Faithfulness, has_attention: bool) -> String {
    if found.curves.is_empty() {
        return "No prediction changes where the signal is made equal in both cell types: the \
                method predicts from nothing that differs."
            .into();
    }
    if found.moved_genes < FEWEST {
        let genes = found.moved_genes;
        return format!(
            "{genes} gene{} whose prediction moves {} too few to tell what it goes by.",
            if genes == 1 { "" } else { "s" },
            if genes == 1 { "is" } else { "are" }
        );
    }
    let first = match has_attention {
        true => agreement(found),
        false => "This method has no attention.".into(),
    };
    let second = preference(found, has_attention).unwrap_or_default();
    format!("{first} {second}")
}

/// What the verdict rests on.
pub(super) fn findings(found: &Faithfulness) -> Vec<String> {
    let mut sentences = Vec::new();
    for unit in Unit::ALL {
        sentences.extend(attention_and_ablation(found, unit));
    }
    for curves in &found.curves {
        sentences.extend(deletion(curves));
    }
    sentences.extend(difference(found));
    sentences.extend(among_seeds(found));
    sentences.extend(truth(found));
    sentences.extend(baseline(found));
    sentences
}

/// What needs no model, beside what does.
fn difference(found: &Faithfulness) -> Option<String> {
    let is = |curves: &&Curves| curves.unit == Unit::Region;
    let curves = found.curves.iter().find(is)?;
    let others = [
        Ranking::IntegratedGradients,
        Ranking::Saliency,
        Ranking::Ablation,
    ];
    let others: Vec<String> = others
        .into_iter()
        .filter_map(|ranking| curves.of(ranking))
        .map(|curve| {
            let area = two_digits(curve.deletion_area.mean);
            format!("{area} by {}", curve.ranking.in_words())
        })
        .collect();
    let own = two_digits(curves.of(Ranking::Difference)?.deletion_area.mean);
    Some(format!(
        "The difference of the signal, which needs no model, deletes regions with area {own}; beside \
         {}. All but attention and saliency start from what differs, as deletion does.",
        others.join(", ")
    ))
}

/// What is predicted from nothing that differs.
fn baseline(found: &Faithfulness) -> Option<String> {
    let (predicted, baseline) = (found.predicted_size?, found.baseline_size?);
    Some(format!(
        "Where all marks are equal in both cell types, predictions still have a mean size of {}, of \
         {} as they are: that part is no mark's contribution.",
        two_digits(baseline.mean),
        two_digits(predicted.mean)
    ))
}

/// Whether attention agrees with ablation, over marks and over bins.
fn agreement(found: &Faithfulness) -> String {
    let of = |unit| rho(found, [Ranking::Attention, Ranking::Ablation], unit);
    let part = |unit: Unit| {
        let rho = of(unit)?;
        let [units, _] = words(unit);
        Some((judged(rho), units, format!("rho {}", two_digits(rho.mean))))
    };
    match (part(Unit::Mark), part(Unit::Region)) {
        (Some((marks, of, rho)), Some((regions, of_these, rho_of_these))) => match marks == regions
        {
            true => format!(
                "Attention on this run {marks} ablation ({rho} over {of}, {rho_of_these} over \
                 {of_these})."
            ),
            false => format!(
                "Attention on this run {marks} ablation over {of} ({rho}) and {regions} it over \
                 {of_these} ({rho_of_these})."
            ),
        },
        (Some((words, units, rho)), None) | (None, Some((words, units, rho))) => {
            format!("Attention on this run {words} ablation over {units} ({rho}).")
        }
        (None, None) => "Whether attention agrees with ablation cannot be told.".into(),
    }
}

fn judged(rho: Mean) -> &'static str {
    match rho.mean {
        _ if !rho.is_clear_of(0.0) => "is not shown to agree with",
        mean if mean >= AGREES_WELL => "agrees well with",
        mean if mean >= AGREES => "agrees in part with",
        mean if mean > 0.0 => "agrees little with",
        _ => "goes against",
    }
}

fn rho(found: &Faithfulness, of: [Ranking; 2], unit: Unit) -> Option<Mean> {
    let is = |agreement: &&Agreement| {
        agreement.of == of.map(|ranking| ranking.name().to_owned()) && agreement.unit == unit.name()
    };
    found.agreements.iter().find(is)?.rho
}

fn attention_and_ablation(found: &Faithfulness, unit: Unit) -> Option<String> {
    let rho = rho(found, [Ranking::Attention, Ranking::Ablation], unit)?;
    rho.interval?;
    let judgement = judged(rho);
    let [units, what] = words(unit);
    Some(format!(
        "Attention over {units} {judgement} ablation, which is what a prediction loses where a \
         {what} is made equal in both cell types: Spearman's rho {}, mean over {} genes.",
        rho.in_words(),
        rho.genes
    ))
}

/// The units, and one of them.
fn words(unit: Unit) -> [&'static str; 2] {
    match unit {
        Unit::Mark => ["marks", "mark"],
        Unit::Region => ["regions of marks", "region of a mark"],
    }
}

/// Attention against any order.
fn deletion(curves: &Curves) -> Option<String> {
    let attention = curves.of(Ranking::Attention)?;
    let random = curves.of(Ranking::Random)?;
    let gain = attention.deletion_gain(random)?;
    gain.interval?;
    let judgement = match (gain.is_clear_of(0.0), gain.mean > 0.0) {
        (false, _) => "no better and no worse than a random order",
        (true, true) => "better than a random order",
        (true, false) => "worse than a random order",
    };
    let [units, _] = words(curves.unit);
    Some(format!(
        "Deleting {units} in the order of attention takes the prediction away {judgement}: area \
         {} against {}, over {} genes (0 is at once, 1 is never).",
        attention.deletion_area.in_words(),
        random.deletion_area.in_words(),
        curves.genes
    ))
}

fn among_seeds(found: &Faithfulness) -> Option<String> {
    let of = |ranking: Ranking| {
        let is = |agreement: &&Agreement| {
            agreement.of[0] == ranking.name()
                && agreement.of[1].ends_with("another seed")
                && agreement.unit == Unit::Mark.name()
        };
        found.agreements.iter().find(is)?.rho
    };
    let ablation = of(Ranking::Ablation)?;
    let Some(attention) = of(Ranking::Attention) else {
        return Some(format!(
            "Another seed ranks the marks of a gene by ablation with rho {}.",
            ablation.in_words()
        ));
    };
    attention.interval?;
    let judgement = match attention.mean {
        _ if !attention.is_clear_of(0.0) => "is not shown to repeat",
        mean if mean >= AGREES_WELL => "repeats well",
        mean if mean >= AGREES => "repeats in part",
        mean if mean > 0.0 => "repeats little",
        _ => "is turned round",
    };
    Some(format!(
        "Attention over marks {judgement} with another seed: rho {}, beside {} of ablation.",
        attention.in_words(),
        ablation.in_words()
    ))
}

fn truth(found: &Faithfulness) -> Option<String> {
    let of_regions: Vec<_> = found
        .precisions
        .iter()
        .filter(|precision| precision.unit == Unit::Region)
        .collect();
    let by_chance = of_regions.first()?.by_chance;
    let all: Vec<String> = of_regions
        .iter()
        .filter_map(|precision| {
            let mean = precision.precision_at_k?.mean;
            Some(format!("{} {mean:.2}", precision.ranking.in_words()))
        })
        .collect();
    if all.is_empty() {
        return None;
    }
    Some(format!(
        "Where the truth is known: among a gene's first k regions, where k truly differ, such are, by \
         ranking: {} ({by_chance:.2} by chance).",
        all.join(", ")
    ))
}

/// Which ranking is to be preferred: that of the smallest area of deletion, beside ablation,
/// which is what it is measured by.
fn preference(found: &Faithfulness, has_attention: bool) -> Option<String> {
    let curves = found
        .curves
        .iter()
        .find(|curves| curves.unit == Unit::Region)?;
    let judged = [
        Ranking::Attention,
        Ranking::IntegratedGradients,
        Ranking::Saliency,
    ];
    let known = judged.into_iter().filter_map(|ranking| curves.of(ranking));
    let best = known.min_by(|x, y| x.deletion_area.mean.total_cmp(&y.deletion_area.mean));
    let Some(best) = best else {
        return Some("Without gradients, read the ablation.".into());
    };
    let random = curves.of(Ranking::Random)?;
    let is_better = |than: &Curve| {
        best.deletion_gain(than)
            .is_some_and(|gain| gain.mean > 0.0 && gain.is_clear_of(0.0))
    };
    if !is_better(random) {
        let what = if has_attention {
            "None of attention and gradients tells"
        } else {
            "Gradients do not tell"
        };
        return Some(format!(
            "{what} better than a random order which regions move the prediction: read the \
             ablation of marks."
        ));
    }
    let area = |curve: &Curve| curve.deletion_area.in_words();
    let Some(attention) = curves.of(Ranking::Attention) else {
        return Some(format!(
            "Of the gradients {} tell best which regions move the prediction (area {}).",
            best.ranking.in_words(),
            area(best)
        ));
    };
    if best.ranking == Ranking::Attention {
        let gradients = curves.of(Ranking::IntegratedGradients)?;
        let judgement = match is_better(gradients) {
            true => "better than integrated gradients",
            false => "with no difference shown to integrated gradients",
        };
        return Some(format!(
            "Attention on this run tells {judgement} which regions move the prediction: area {} \
             against {} under the curves of deletion, the smaller the better.",
            area(attention),
            area(gradients)
        ));
    }
    let (name, own, other) = (best.ranking.in_words(), area(best), area(attention));
    Some(match is_better(attention) {
        true => format!(
            "To know which regions move the prediction prefer {name} to attention: area \
             under the curve of deletion {own} against {other}, the smaller the better."
        ),
        false => format!(
            "Which regions move the prediction, {name} tell no better than attention as far as these \
             genes show: area under \
             the curve of deletion {own} and {other}."
        ),
    })
}
