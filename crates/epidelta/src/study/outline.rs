//! A study before its cell types are read, or even prepared: from its description, the footers of
//! the files that are there, and the sample sheet of those that are not.

use std::path::PathBuf;

use rayon::prelude::*;
use serde::Serialize;

use super::{StudyConfig, StudyPlan};
use crate::{
    dataset::{CellTypeFiles, Mark, read_epigenome_outline},
    error::Result,
    provenance::sha256_of,
};

/// A study as far as it is known.
#[derive(Debug, Clone)]
pub struct StudyOutline {
    /// Its description, without what is in its files.
    pub plan: StudyPlan,
    /// Its cell types, in the order of their names.
    pub cell_types: Vec<CellTypeOutline>,
    /// What the user should know, though it keeps nothing from running.
    pub warnings: Vec<String>,
}

/// A cell type of a study, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellTypeOutline {
    /// Its name in the study.
    pub name: String,
    /// Its `epigenome.parquet`.
    pub file: PathBuf,
    /// Whether that is there; otherwise it is to be prepared.
    pub is_prepared: bool,
    /// Its marks.
    pub marks: Vec<Mark>,
    /// Its genes, where they are known.
    pub genes: Option<usize>,
    /// Its bins, where they are known.
    pub bins: Option<usize>,
    /// What it is prepared from, where it is among the samples.
    pub sample: Option<SampleOutline>,
}

/// What the sample sheet says of a cell type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SampleOutline {
    /// Its files of reads and signal, controls too, and its table of expression.
    pub files: Vec<PathBuf>,
    /// A checksum of what the sheet says of it: when it is another one, it is to be prepared anew.
    pub sha256: String,
}

impl SampleOutline {
    fn of(sample: &CellTypeFiles) -> Self {
        let expression = sample.expression.as_path();
        let files = sample.files().into_iter().chain([expression]);
        let tracks = sample.tracks.iter();
        let tracks: Vec<_> = tracks
            .map(|track| (&track.mark, &track.path, &track.control))
            .collect();
        let said = (tracks, expression, &sample.expression_column);
        SampleOutline {
            files: files.map(PathBuf::from).collect(),
            // What is serialised is text.
            sha256: sha256_of(serde_json::to_string(&said).unwrap_or_default().as_bytes()),
        }
    }
}

impl StudyOutline {
    /// Resolves a study. Cell types that are not prepared are those of the samples, and taken to
    /// have so many genes and bins; where these are given and the study says which marks there
    /// are, the study is planned without samples, too.
    ///
    /// # Errors
    /// [`Error::Many`](crate::error::Error::Many) listing everything that is wrong with the description, the samples and the
    /// footers of the files.
    pub fn new(
        config: &StudyConfig,
        samples: Result<Vec<CellTypeFiles>>,
        genes: Option<usize>,
        bins: Option<usize>,
    ) -> Result<Self> {
        let mut problems = Vec::new();
        let plan = StudyPlan::of(config, &mut problems);
        let (samples, is_known) = match samples {
            Ok(samples) => (samples, true),
            Err(error) => {
                problems.extend(error.problems());
                (Vec::new(), false)
            }
        };
        let outline = |(name, file): (&String, &PathBuf)| {
            let sample = samples.iter().find(|sample| sample.name == *name);
            let of_sample = sample.map(SampleOutline::of);
            if file.exists() {
                let read = read_epigenome_outline(file);
                let read =
                    read.map_err(|error| format!("cell type {name}: {}", error.in_full()))?;
                return Ok(Some(CellTypeOutline {
                    name: name.clone(),
                    file: file.clone(),
                    is_prepared: true,
                    marks: read.marks,
                    genes: Some(read.genes),
                    bins: Some(read.bins),
                    sample: of_sample,
                }));
            }
            let marks = match (sample, &config.marks, genes.and(bins)) {
                (Some(sample), ..) => sample.marks().into_iter().cloned().collect(),
                (None, Some(marks), Some(_)) if samples.is_empty() => marks.clone(),
                // Where the samples cannot be read, that is the problem.
                _ if !is_known => return Ok(None),
                _ => {
                    return Err(format!(
                        "cell type {name}: {} is not there, and no sample is of {name}",
                        file.display()
                    ));
                }
            };
            Ok(Some(CellTypeOutline {
                name: name.clone(),
                file: file.clone(),
                is_prepared: false,
                marks,
                genes,
                bins,
                sample: of_sample,
            }))
        };
        let found: Vec<_> = config.cell_types.par_iter().map(outline).collect();
        let mut cell_types = Vec::new();
        for found in found {
            match found {
                Ok(cell_type) => cell_types.extend(cell_type),
                Err(problem) => problems.push(problem),
            }
        }
        let marks = |of: &CellTypeOutline| config.unknown_marks(&of.name, &of.marks);
        problems.extend(cell_types.iter().filter_map(marks));
        let mut warnings = Vec::new();
        match config.marks {
            Some(_) => {}
            // Of a mark that one cell type alone has, no pair has it in both.
            None => warnings.extend(cell_types.iter().filter_map(|of| lonely(of, &cell_types))),
        }
        problems.extend(differing_bins(&cell_types));
        Ok(StudyOutline {
            plan: plan.if_none(problems)?,
            cell_types,
            warnings,
        })
    }
}

/// The marks that a cell type alone has.
fn lonely(of: &CellTypeOutline, all: &[CellTypeOutline]) -> Option<String> {
    let others = || all.iter().filter(|other| other.name != of.name);
    let alone = of.marks.iter();
    let alone: Vec<&str> = alone
        .filter(|mark| !others().any(|other| other.marks.contains(mark)))
        .map(String::as_str)
        .collect();
    (!alone.is_empty() && all.len() > 1).then(|| {
        format!(
            "{} alone has {}, which no pair can use: is that the name of the mark?",
            of.name,
            alone.join(", ")
        )
    })
}

/// Cell types whose genes have other numbers of bins than those of the first.
fn differing_bins(all: &[CellTypeOutline]) -> impl Iterator<Item = String> {
    let prepared = || all.iter().filter(|of| of.is_prepared);
    let first = prepared().next();
    prepared().filter_map(move |of| {
        let first = first?;
        (of.bins != first.bins).then(|| {
            let bins = |of: &CellTypeOutline| of.bins.unwrap_or(0);
            format!(
                "cell type {}: {} bins, where {} has {}",
                of.name,
                bins(of),
                first.name,
                bins(first)
            )
        })
    })
}
