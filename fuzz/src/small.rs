//! Small data that files are read for, or beside.

use std::{path::PathBuf, sync::LazyLock, time::Duration};

use epidelta::{
    dataset::{Pair, Simulated, SimulationConfig, simulate, write_epigenome},
    interrupt::Interrupt,
    method::{Method, MethodConfig, Preset, Settings},
    model::{DataSize, NetworkConfig, Variant},
    run::{DataFiles, Run, TrainingPlan, train},
    training::{Checkpoints, Training, fit},
};

/// Genes, marks and bins of the data.
const GENES: usize = 24;
/// Those of a simulation.
pub const MARKS: usize = 5;
/// As few as all networks take.
pub const BINS: usize = 8;

fn simulated() -> Simulated {
    let config = SimulationConfig {
        genes: GENES,
        bins: BINS,
        ..SimulationConfig::default()
    };
    simulate(&config).expect("a simulation")
}

/// The size of the data.
pub fn size() -> DataSize {
    DataSize {
        marks: MARKS,
        bins: BINS,
        cell_types: 2,
    }
}

/// A pair of cell types, for models to predict.
pub fn pair() -> &'static Pair {
    static PAIR: LazyLock<Pair> = LazyLock::new(|| {
        let cells = simulated().cells;
        let label = Settings::of(Method::Ridge, Preset::Tuned).label;
        let [a, b] = <[_; 2]>::try_from(cells).expect("two cell types");
        Pair::join(a, b, label).expect("a pair").0
    });
    &PAIR
}

/// Methods made of networks, in the order in which an input chooses among them.
pub fn networks() -> Vec<Method> {
    let others = [
        Method::Epidelta,
        Method::AttentiveChrome,
        Method::DeepChrome,
        Method::DeepChromeRaw,
    ];
    let variants = Variant::ALL.into_iter().map(Method::DeepDiff);
    others.into_iter().chain(variants).collect()
}

/// The others, likewise.
pub const LEARNERS: [Method; 7] = [
    Method::Ridge,
    Method::Lasso,
    Method::Logistic,
    Method::Boosting,
    Method::Svr,
    Method::TwoLayerSvr,
    Method::ReliefForest,
];

/// Settings of a method as small as it can be, so that what it learns is small.
pub fn small_settings(method: Method) -> Settings {
    let assignments: &[&str] = match &Settings::of(method, Preset::Tuned).method {
        MethodConfig::DeepDiff(_) => &[
            "model.hidden_bins=2",
            "model.hidden_marks=2",
            "model.hidden_head=2",
            "training.epochs=1",
            "training.ensemble=1",
        ],
        MethodConfig::AttentiveChrome(_) => &[
            "model.hidden_bins=2",
            "model.hidden_marks=2",
            "training.epochs=1",
        ],
        MethodConfig::DeepChrome(_) => &[
            "model.filters=2",
            "model.filter_width=2",
            "model.pool=2",
            "model.hidden=[2, 2]",
            "training.epochs=1",
        ],
        MethodConfig::Epidelta(_) => &[
            "model.hidden_bins=2",
            "model.hidden_marks=2",
            "model.hidden_head=2",
            "model.windows=[2]",
            "model.head_windows=2",
            "training.epochs=1",
            "training.ensemble=1",
        ],
        MethodConfig::Svr(_) | MethodConfig::TwoLayerSvr(_) => &["svr.costs=[1.0]", "svr.folds=2"],
        MethodConfig::ReliefForest(_) => &[
            "features.windows=[2]",
            "relieff.features=[4]",
            "relieff.neighbours=2",
            "forest.trees=[2]",
        ],
        MethodConfig::Boosting(_) => &["features.windows=[2]", "boosting.trees=4"],
        MethodConfig::Ridge(_) | MethodConfig::Lasso(_) | MethodConfig::Logistic(_) => {
            &["features.windows=[1, 2]", "linear.penalties=[1.0]"]
        }
    };
    let mut settings = Settings::of(method, Preset::Tuned);
    for assignment in assignments {
        settings = settings
            .with_assignment(method, assignment)
            .unwrap_or_else(|error| panic!("{method}: {error}"));
    }
    if method == Method::Logistic {
        settings = settings
            .with_assignment(method, "label.task=classification")
            .expect("a task");
    }
    settings
}

/// The file of a network's state, in [`folder`](crate::folder).
pub const STATE: &str = "network-1.safetensors";

/// Goes on with the training of a network that [`STATE`] is of, or begins it, keeps its state
/// after a batch and stops.
pub fn train_one_batch() {
    static SETTINGS: LazyLock<Settings> =
        LazyLock::new(|| small_settings(Method::DeepDiff(Variant::RawD)));
    let MethodConfig::DeepDiff(of) = &SETTINGS.method else {
        return;
    };
    let interrupt = Interrupt::default();
    interrupt.request();
    let checkpoints = Checkpoints {
        folder: crate::folder().into(),
        lock: None,
        training: "a training".into(),
        every: Duration::MAX,
        interrupt,
    };
    let training = Training {
        network: &NetworkConfig::DeepDiff(of.model.clone()),
        config: &of.training,
        task: SETTINGS.label.task,
        seed: 1,
    };
    let checkpoint = checkpoints.of_network(0);
    let _ = fit(pair(), training, None, Some(&checkpoint), &mut |_| ());
}

/// A run, beside the epigenomes of A and B that it was trained on.
#[derive(Debug)]
pub struct Template {
    /// The run of a network, whose folder also holds the models of a ridge regression and of a
    /// forest.
    pub run: Run,
    /// The SHA-256 of its predictions, and of the three models.
    pub sha256: [String; 4],
    /// Its `metrics.json`.
    pub metrics: Vec<u8>,
}

/// The epigenomes of A and B, in files.
fn cells() -> &'static [PathBuf; 2] {
    static CELLS: LazyLock<[PathBuf; 2]> = LazyLock::new(|| {
        let paths = ["A", "B"].map(|name| crate::folder().join(format!("{name}.parquet")));
        for (cell, path) in simulated().cells.iter().zip(&paths) {
            write_epigenome(cell, path, false).expect("an epigenome");
        }
        paths
    });
    &CELLS
}

/// A run of a method on the pair.
pub fn trained(method: Method) -> Run {
    let output = crate::folder().join(format!("run-{method}"));
    let [a, b] = cells().clone();
    let data = DataFiles::Pair { a, b, labels: None };
    let settings = small_settings(method);
    let plan = TrainingPlan::new(data, method, Preset::Tuned, settings, output.clone());
    train(&plan, &mut |_| ()).expect("a run");
    Run::open(&output).expect("a run")
}

/// Made once, in [`folder`](crate::folder).
pub fn template() -> &'static Template {
    static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
        let run = trained(Method::DeepDiff(Variant::Raw));
        let others = [
            (Method::Ridge, "model.json"),
            (Method::ReliefForest, "model.postcard"),
        ]
        .map(|(method, file)| {
            let other = trained(method);
            std::fs::copy(other.path.join(file), run.path.join(file)).expect("a model");
            other.description.head.weights_sha256
        });
        let head = &run.description.head;
        let [json, postcard] = others;
        Template {
            sha256: [
                head.predictions_sha256.clone(),
                head.weights_sha256.clone(),
                json,
                postcard,
            ],
            metrics: std::fs::read(run.path.join("metrics.json")).expect("measures"),
            run,
        }
    });
    &TEMPLATE
}
