//! Everything that is known of what a run learned.

use std::path::PathBuf;

use super::{
    ablation::{Ablation, GeneAblation, Importance, ablate},
    attention::{Attention, attention, attention_in_parts},
    directions::Directions,
    faithfulness::{Evidence, Faithfulness, RegionAblation, ablate_regions, members, regions},
    genes::{GeneChoice, Strands},
    gradients::{Attribution, Baseline, attributions},
    perturbation::{Perturbation, Perturbed, perturb},
    predictor::Predictor,
    truth::Truth,
};
use crate::{
    baseline::Coefficient,
    dataset::{JoinSummary, LabelConfig, Pair},
    error::{Error, Result},
    method::FittedMethod,
    run::{DataFile, DataFiles, LabelFile, ReadData, Run, RunHead},
};

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainConfig {
    /// |log2 fold change| above which genes count as up or down.
    pub threshold: f64,
    /// Genes that are looked at closely, drawn from the test genes.
    pub sample: usize,
    /// Genes that are looked at besides, by id or symbol.
    pub genes: Vec<String>,
    /// What is predicted if signal were otherwise, for these genes or else for all.
    pub perturbations: Vec<Perturbation>,
    /// What integrated gradients start from.
    pub baseline: Baseline,
    /// The truth of simulated data.
    pub truth: Option<PathBuf>,
    /// Runs that differ in nothing but their seed.
    pub other_seeds: Vec<PathBuf>,
    /// The seed of what is drawn.
    pub seed: u64,
}

impl Default for ExplainConfig {
    fn default() -> Self {
        ExplainConfig {
            threshold: 8.0,
            sample: 200,
            genes: Vec::new(),
            perturbations: Vec::new(),
            baseline: Baseline::Equal,
            truth: None,
            other_seeds: Vec::new(),
            seed: 1,
        }
    }
}

impl ExplainConfig {
    /// Checks that the numbers are in range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the option.
    pub fn check(&self) -> Result<()> {
        if !(0.0..=1000.0).contains(&self.threshold) {
            let problem = format!("{} is out of range", self.threshold);
            return Err(Error::setting(
                "--threshold",
                problem,
                "Give a number from 0 to 1000",
            ));
        }
        if !(2..=10_000).contains(&self.sample) {
            let problem = format!("{} is out of range", self.sample);
            return Err(Error::setting("--sample", problem, "Give 2 to 10000 genes"));
        }
        Ok(())
    }
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// In words.
    pub what: &'static str,
    /// How much of it is done.
    pub done: usize,
    /// How much there is.
    pub total: usize,
}

/// Everything that was found.
#[derive(Debug)]
pub struct Explained {
    /// The pair, its signal as the method sees it.
    pub pair: Pair,
    /// What joining the cell types kept and dropped.
    pub join: JoinSummary,
    /// The cell types' files.
    pub files: Vec<DataFile>,
    /// The table of labels.
    pub labels: Option<LabelFile>,
    /// Which way the bins of its genes run.
    pub strands: Strands,
    /// What the labels are.
    pub label: LabelConfig,
    /// The method.
    pub method: FittedMethod,
    /// Which genes were looked at closely.
    pub choice: GeneChoice,
    /// Attention of the genes that go up and of those that go down, of methods with attention.
    pub directions: Option<Directions>,
    /// The measured genes without each mark.
    pub ablations: Vec<GeneAblation>,
    /// What each mark is worth to the predictions.
    pub importance: Vec<Importance>,
    /// Regions of the sample's genes, made equal in both cell types.
    pub regions: Vec<RegionAblation>,
    /// Of networks, what the signal of the sample's genes and of those asked for contributes.
    pub attributions: Option<Vec<Attribution>>,
    /// Predictions of perturbed signal.
    pub perturbed: Vec<Perturbed>,
    /// Of linear models, the weight of every feature.
    pub coefficients: Vec<Coefficient>,
    /// Whether attention can be believed.
    pub faithfulness: Faithfulness,
}

/// Explains a run on some data. `with_attention` is given the attention of all genes, part by
/// part; `report` is told what is being done.
///
/// # Errors
/// When the run or the data are unusable or do not fit together, a gene or a mark that is asked
/// for is unknown, and those of `with_attention`.
pub fn explain(
    run: &Run,
    data: &DataFiles,
    config: &ExplainConfig,
    with_attention: &mut dyn FnMut(&Pair, Strands, &Attention) -> Result<()>,
    report: &mut dyn FnMut(Step),
) -> Result<Explained> {
    config.check()?;
    let settings = &run.description.settings;
    let ReadData {
        pair,
        join,
        files,
        labels,
        ..
    } = run.read(data)?;
    let method = run.model()?;
    let strands = Strands::of(&pair, settings.input.order);
    let predictor = Predictor {
        method: &method,
        pair: &pair,
        label: &settings.label,
    };
    let choice = GeneChoice::new(&pair, config.sample, &config.genes, config.seed)?;
    for perturbation in &config.perturbations {
        perturbation.check(&predictor)?;
    }
    let truth = config.truth.as_deref();
    let truth = truth
        .map(|path| Truth::read(path, &pair, strands))
        .transpose()?;
    let others = other_seeds(run, config)?;

    let all: Vec<usize> = (0..pair.genes.len()).collect();
    let mut directions = Directions::new(config.threshold);
    let mut seen = 0;
    let has_attention = attention_in_parts(&method, &pair, &all, &mut |part| {
        directions.add(&pair, strands, part);
        seen += part.genes.len();
        report(Step {
            what: "attention",
            done: seen,
            total: all.len(),
        });
        with_attention(&pair, strands, part)
    })?;

    let mut tell = |what, done, total| {
        report(Step { what, done, total });
        Ok(())
    };
    let ablations = ablate(
        &predictor,
        &choice.measured,
        &Ablation::ALL,
        config.seed,
        &mut |done, total| tell("ablation of marks", done, total),
    )?;
    let importance = Importance::of(&predictor, &ablations, config.seed);

    let close = choice.close();
    let mut gradients = |genes: &[usize], baseline: Baseline| {
        attributions(&method, &pair, genes, baseline, &mut |done| {
            tell("integrated gradients", done, genes.len())
        })
    };
    let found = gradients(&close, config.baseline)?;
    let of_equal = match config.baseline {
        Baseline::Equal => None,
        Baseline::Zero => gradients(&choice.sample, Baseline::Equal)?,
    };
    let is_drawn = |of: &&Attribution| choice.sample.binary_search(&of.gene).is_ok();
    let of_sample = of_equal.as_ref().or(found.as_ref());
    let of_sample = of_sample.map(|all| all.iter().filter(is_drawn).collect());
    tell("ablation of regions", 0, 1)?;
    let ablated = ablate_regions(&predictor, &choice.sample, regions(&predictor))?;

    tell("deletion and insertion", 0, 1)?;
    let is_drawn = |of: &&GeneAblation| {
        of.ablation == Ablation::Equal && choice.sample.binary_search(&of.gene).is_ok()
    };
    let of_marks: Vec<GeneAblation> = ablations.iter().filter(is_drawn).copied().collect();
    let of_attention = attention(&method, &pair, &choice.sample).and_then(Attention::mean);
    // Whole runs are compared with whole runs, networks of an ensemble with one another.
    let compared = match others.is_empty() {
        true => members(&method),
        false => others,
    };
    let of_others = compared.iter().map(|method| Predictor {
        method,
        ..predictor
    });
    let of_runs = !config.other_seeds.is_empty();
    let explained = of_runs.then_some(predictor).into_iter();
    let seeds: Vec<Predictor<'_>> = explained.chain(of_others).collect();
    let evidence = Evidence {
        predictor,
        genes: &choice.sample,
        marks: &of_marks,
        regions: &ablated,
        attributions: of_sample,
        attention: of_attention.as_ref(),
        seeds: &seeds,
        truth: truth.as_ref(),
        seed: config.seed,
    };
    let faithfulness = evidence.faithfulness()?;

    let perturbed_genes = match choice.named.as_slice() {
        [] => &all,
        named => named,
    };
    let perturbed = match config.perturbations.as_slice() {
        [] => Vec::new(),
        perturbations => perturb(&predictor, perturbed_genes, perturbations, strands)?,
    };
    let coefficients = match &method {
        FittedMethod::Baseline { model, .. } => model.coefficients(pair.marks().len(), pair.bins()),
        _ => Vec::new(),
    };
    Ok(Explained {
        strands,
        choice,
        directions: has_attention.then_some(directions),
        ablations,
        importance,
        regions: ablated.of_genes,
        attributions: found,
        perturbed,
        coefficients,
        faithfulness,
        label: settings.label,
        files,
        labels,
        join,
        pair,
        method,
    })
}

impl Explained {
    /// Genes whose integrated gradients do not sum to the difference of their predictions.
    pub fn incomplete(&self) -> usize {
        let all = self.attributions.iter().flatten();
        all.filter(|of| !of.is_complete()).count()
    }

    /// The method and the pair that it was explained on.
    pub fn predictor(&self) -> Predictor<'_> {
        Predictor {
            method: &self.method,
            pair: &self.pair,
            label: &self.label,
        }
    }

    /// What each mark contributes to the predictions of genes, where it is made equal in both
    /// cell types, `[gene][mark]`.
    ///
    /// # Errors
    /// When a prediction is not a finite number.
    pub fn contributions(&self, genes: &[usize]) -> Result<Vec<Vec<f64>>> {
        let kinds = [Ablation::Equal];
        let found = ablate(&self.predictor(), genes, &kinds, 0, &mut |_, _| Ok(()))?;
        let of_gene = |place: usize| {
            let of_marks = found.iter().skip(place).step_by(genes.len().max(1));
            of_marks.map(GeneAblation::contribution).collect()
        };
        Ok((0..genes.len()).map(of_gene).collect())
    }
}

/// What the other runs learned, which must differ from the explained one in nothing but the seed.
fn other_seeds(run: &Run, config: &ExplainConfig) -> Result<Vec<FittedMethod>> {
    let read = |path: &PathBuf| {
        let other = Run::open(path)?;
        let (own, theirs) = (&run.description, &other.description);
        let refused = |problem: String| {
            let remedy = "Give runs that differ from the explained one in nothing but --seed";
            Err(Error::data(problem, remedy))
        };
        let path = path.display();
        if own.head.method != theirs.head.method {
            let (own, theirs) = (own.head.method, theirs.head.method);
            return refused(format!(
                "{path} is a run of {theirs}, the explained one of {own}"
            ));
        }
        if own.settings != theirs.settings {
            return refused(format!("{path} has other settings than the explained run"));
        }
        if own.head.weights_sha256 == theirs.head.weights_sha256 {
            return refused(format!("{path} has the very weights of the explained run"));
        }
        let trained_on = |head: &RunHead| {
            let files = [&head.a, &head.b]
                .into_iter()
                .flatten()
                .chain(&head.cell_types);
            let files: Vec<String> = files.map(|file| file.sha256.clone()).collect();
            (files, head.pairs.clone(), head.cell_names())
        };
        if trained_on(&own.head) != trained_on(&theirs.head) {
            return refused(format!("{path} was trained on other data"));
        }
        other.model()
    };
    config.other_seeds.iter().map(read).collect()
}
