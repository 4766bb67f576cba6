//! The question of who edits an epigenome: what would the prediction be if a mark of one cell
//! type were as in the other?

use std::{fmt, ops::RangeInclusive, str::FromStr};

use super::{genes::Strands, predictor::Predictor};
use crate::error::{Error, Result};

/// A cell type of a pair, or no signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Side(usize),
    Zero,
}

/// Signal set to something else, one or several edits at once: `A:H3K27me3=B`,
/// `A:H3K27me3=B,A:H3K4me3@-500..500=zero`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Perturbation {
    text: String,
    edits: Vec<Edit>,
}

/// Signal of one mark set to something else.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    side: usize,
    mark: String,
    /// Where, bp downstream of the TSS; everywhere without.
    positions: Option<RangeInclusive<i64>>,
    source: Source,
}

impl fmt::Display for Perturbation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Perturbation {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let edits = text.split(',').map(Edit::parse);
        let edits = edits.collect::<Option<Vec<Edit>>>().ok_or_else(|| {
            format!(
                "{text:?} is not CELL:MARK=SOURCE or CELL:MARK@FROM..TO=SOURCE, where CELL is A \
                 or B, SOURCE the other one or zero, and FROM and TO are bp downstream of the TSS \
                 (A:H3K27me3=B, B:H3K4me3@-500..500=zero); edits at once are separated by commas"
            )
        })?;
        Ok(Perturbation {
            text: text.into(),
            edits,
        })
    }
}

impl Edit {
    fn parse(text: &str) -> Option<Self> {
        let (cell, rest) = text.split_once(':')?;
        let (target, source) = rest.rsplit_once('=')?;
        let side = |name: &str| match name.trim() {
            "A" => Some(0),
            "B" => Some(1),
            _ => None,
        };
        let source = match side(source) {
            Some(side) => Source::Side(side),
            None if source.trim() == "zero" => Source::Zero,
            None => return None,
        };
        let (mark, positions) = match target.rsplit_once('@') {
            None => (target, None),
            Some((mark, range)) => {
                let (from, to) = range.split_once("..")?;
                let range = from.trim().parse().ok()?..=to.trim().parse().ok()?;
                (mark, Some(Some(range).filter(|range| !range.is_empty())?))
            }
        };
        let (side, mark) = (side(cell)?, mark.trim());
        (!mark.is_empty() && source != Source::Side(side)).then(|| Edit {
            side,
            mark: mark.into(),
            positions,
            source,
        })
    }

    /// Whether a bin that begins at a position, bp downstream of the TSS, is set.
    fn is_of(&self, start: i64, bin_size: i64) -> bool {
        self.positions.as_ref().is_none_or(|positions| {
            start <= *positions.end() && start + bin_size > *positions.start()
        })
    }
}

impl Perturbation {
    /// Which marks its edits are of.
    ///
    /// # Errors
    /// When the pair has no such mark, or positions are outside the window.
    pub(super) fn check(&self, predictor: &Predictor<'_>) -> Result<Vec<usize>> {
        let marks = predictor.pair.marks();
        let metadata = &predictor.pair.cells[0].metadata;
        let window = -i64::from(metadata.upstream)..i64::from(metadata.downstream);
        let check = |edit: &Edit| {
            if let Some(positions) = &edit.positions
                && (*positions.start() >= window.end || *positions.end() < window.start)
            {
                return Err(Error::setting(
                    "--set",
                    format!(
                        "{self}: the window goes from {} to {} bp",
                        window.start, window.end
                    ),
                    "Give positions within it",
                ));
            }
            let place = marks.iter().position(|mark| *mark == edit.mark);
            place.ok_or_else(|| {
                Error::setting(
                    "--set",
                    format!("{self}: the run knows no mark {:?}", edit.mark),
                    format!("Give one of {}", marks.join(", ")),
                )
            })
        };
        self.edits.iter().map(check).collect()
    }
}

/// A gene with its signal perturbed.
#[derive(Debug, Clone, PartialEq)]
pub struct Perturbed {
    /// The gene, as an index into the pair.
    pub gene: usize,
    /// Which of the perturbations.
    pub perturbation: usize,
    /// The prediction.
    pub predicted: f64,
    /// The prediction of the perturbed signal.
    pub perturbed: f64,
}

impl Perturbed {
    /// How the prediction changes.
    pub fn change(&self) -> f64 {
        self.perturbed - self.predicted
    }
}

/// Predicts genes with each perturbation of their signal, but for those of which a cell type lacks
/// the mark.
///
/// # Errors
/// When a perturbation is of another mark or place than the data, or a prediction is not a
/// finite number.
pub fn perturb(
    predictor: &Predictor<'_>,
    genes: &[usize],
    perturbations: &[Perturbation],
    strands: Strands,
) -> Result<Vec<Perturbed>> {
    let marks: Vec<Vec<usize>> = perturbations
        .iter()
        .map(|perturbation| perturbation.check(predictor))
        .collect::<Result<_>>()?;
    let predicted = predictor.predict(genes)?;
    let bins = predictor.pair.bins();
    let metadata = &predictor.pair.cells[0].metadata;
    let bin_size = i64::from(metadata.bin_size);
    let mut found = Vec::with_capacity(perturbations.len() * genes.len());
    for (index, (perturbation, marks)) in perturbations.iter().zip(marks).enumerate() {
        let perturbed = predictor.predict_edited(genes, |place, [a, b]| {
            let is_reversed = strands.is_reversed(predictor.pair, genes[place]);
            // Edits at once are of the signal as it was.
            let original = [a.to_vec(), b.to_vec()];
            let signal = [a, b];
            for (edit, mark) in perturbation.edits.iter().zip(&marks) {
                for bin in 0..bins {
                    let along = if is_reversed { bins - 1 - bin } else { bin };
                    if !edit.is_of(metadata.position(along), bin_size) {
                        continue;
                    }
                    let at = mark * bins + bin;
                    signal[edit.side][at] = match edit.source {
                        Source::Side(side) => original[side][at],
                        Source::Zero => 0.0,
                    };
                }
            }
        })?;
        // What a cell type lacks is hidden: setting it to something says nothing.
        let is_seen = |gene: usize| marks.iter().all(|&mark| !predictor.pair.hides(gene, mark));
        let of_genes = genes.iter().zip(predicted.iter().zip(perturbed));
        let of_genes = of_genes.filter(|&(&gene, _)| is_seen(gene));
        found.extend(of_genes.map(|(&gene, (&predicted, perturbed))| Perturbed {
            gene,
            perturbation: index,
            predicted,
            perturbed,
        }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_to_what() {
        let edits = |text: &str| text.parse::<Perturbation>().unwrap().edits;
        let whole = Edit {
            side: 0,
            mark: "H3K27me3".into(),
            positions: None,
            source: Source::Side(1),
        };
        let part = Edit {
            side: 1,
            mark: "a=b@c".into(),
            positions: Some(-500..=500),
            source: Source::Zero,
        };
        assert_eq!(edits("A:H3K27me3=B"), std::slice::from_ref(&whole));
        let both = edits("A:H3K27me3=B,B:a=b@c@-500..500=zero");
        assert_eq!(both, [whole, part.clone()]);
        assert!(part.is_of(500, 100) && part.is_of(-599, 100));
        assert!(!part.is_of(501, 100) && !part.is_of(-600, 100));
        for wrong in [
            "",
            "H3K4me3=B",
            "A:H3K4me3",
            "C:H3K4me3=B",
            "A:H3K4me3=A",
            "A:=B",
            "A:x@5..1=B",
            "A:x@=B",
            "A:x=C",
        ] {
            assert!(wrong.parse::<Perturbation>().is_err(), "{wrong}");
        }
    }
}
