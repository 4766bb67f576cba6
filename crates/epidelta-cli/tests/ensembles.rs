//! The default method through the program: swapping the cell types turns its predictions
//! round, numbers do not depend on threads, and an ensemble is the mean of its networks.

mod common;

use common::Workplace;
use epidelta::model::read_tensors;
use serde_json::Value;

const DATA: &str = "--a sim/A.parquet --b sim/B.parquet";
const SWAPPED: &str = "--a sim/B.parquet --b sim/A.parquet";
const SHORT: &str = "--set training.epochs=2 --set training.batch_size=16";

fn simulated() -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 140 --bins 40 -o sim");
    workplace
}

/// Some columns of a table of predictions, by gene.
fn columns(table: &str, names: &[&str]) -> Vec<(String, Vec<f32>)> {
    let mut rows = table.lines().map(|row| row.split('\t').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    let place = |name: &&str| header.iter().position(|column| column == name).unwrap();
    let places: Vec<usize> = names.iter().map(place).collect();
    rows.map(|row| {
        let numbers = places.iter().map(|&place| row[place].parse().unwrap());
        (row[0].to_owned(), numbers.collect())
    })
    .collect()
}

#[test]
fn swapping_a_and_b_turns_every_prediction_round() {
    let workplace = simulated();
    for (run, members) in [("one", ""), ("three", "--ensemble 3")] {
        workplace.succeed(&format!("train {DATA} {SHORT} {members} -o {run}"));
        workplace.succeed(&format!("predict --run {run} {DATA} -o {run}.forth.tsv"));
        workplace.succeed(&format!("predict --run {run} {SWAPPED} -o {run}.back.tsv"));
        let of = |file: &str, names: &[&str]| columns(&workplace.text(file), names);
        let forth = of(
            &format!("{run}.forth.tsv"),
            &["predicted", "predicted_a", "predicted_b"],
        );
        let back = of(
            &format!("{run}.back.tsv"),
            &["predicted", "predicted_b", "predicted_a"],
        );
        assert_eq!(forth.len(), 140);
        let turned = forth.iter().map(|(gene, numbers)| {
            let [change, a, b] = numbers[..] else {
                panic!("three columns");
            };
            (gene.clone(), vec![-change, a, b])
        });
        assert!(turned.eq(back), "{run}");
        assert!(forth.iter().any(|(_, numbers)| numbers[0].abs() > 0.1));
    }
}

#[test]
fn numbers_do_not_depend_on_the_thread_count() {
    let workplace = simulated();
    for members in ["", "--ensemble 2"] {
        for threads in [1, 2, 3] {
            let train = format!("--threads {threads} train {DATA} {SHORT} {members}");
            workplace.succeed(&format!("{train} -o run{threads} --force"));
        }
        for file in [
            "history.tsv",
            "model.safetensors",
            "predictions.tsv",
            "run.toml",
        ] {
            let of = |run: &str| workplace.read(&format!("{run}/{file}"));
            assert!(of("run1") == of("run2"), "{members} {file}");
            assert!(of("run1") == of("run3"), "{members} {file}");
        }
    }
}

/// The first member's seed is the run's, the second one's 2^40 more.
#[test]
fn an_ensemble_is_the_mean_of_networks_that_could_be_trained_alone() {
    let workplace = simulated();
    for (run, options) in [
        ("first", "--seed 3"),
        ("second", "--seed 1099511627779"),
        ("both", "--seed 3 --ensemble 2"),
    ] {
        workplace.succeed(&format!("train {DATA} {SHORT} {options} -o {run}"));
    }
    let tensors = |run: &str| read_tensors(&workplace.path(run).join("model.safetensors")).unwrap();
    let both = tensors("both");
    let mut of_members = 0;
    for (member, run) in [("member_1.", "first"), ("member_2.", "second")] {
        for (name, tensor) in tensors(run) {
            assert_eq!(both[&format!("{member}{name}")], tensor, "{run} {name}");
            of_members += 1;
        }
    }
    assert_eq!(both.len(), of_members);

    let names = ["predicted", "predicted_a", "predicted_b"];
    let of = |run: &str| columns(&workplace.text(&format!("{run}/predictions.tsv")), &names);
    let members = of("first").into_iter().zip(of("second"));
    let means = members.map(|((gene, first), (same_gene, second))| {
        assert_eq!(gene, same_gene);
        let both = first.iter().zip(&second);
        let mean = |(&x, &y): (&f32, &f32)| ((f64::from(x) + f64::from(y)) / 2.0) as f32;
        (gene, both.map(mean).collect::<Vec<f32>>())
    });
    assert!(means.eq(of("both")));

    let metrics: Value = serde_json::from_str(&workplace.text("both/metrics.json")).unwrap();
    assert_eq!(metrics["best_epoch"].as_array().unwrap().len(), 2);
    let history = workplace.text("both/history.tsv");
    let members: Vec<&str> = history
        .lines()
        .map(|row| row.rsplit('\t').next().unwrap())
        .collect();
    assert_eq!(members, ["member", "1", "1", "2", "2"]);
}

#[test]
fn an_ensemble_goes_on_from_an_ensemble_and_from_a_single_network() {
    let workplace = simulated();
    workplace.succeed(&format!("train {DATA} {SHORT} --ensemble 2 -o two"));
    workplace.succeed(&format!("train {DATA} {SHORT} -o one"));
    let still = "--set training.epochs=1 --set training.learning_rate=1e-12 \
                 --set training.weight_decay=0";
    let first = |run: &str| -> Vec<f32> {
        let table = columns(
            &workplace.text(&format!("{run}/predictions.tsv")),
            &["predicted"],
        );
        table.into_iter().map(|(_, numbers)| numbers[0]).collect()
    };
    for start in ["two", "one"] {
        let train = format!("train {DATA} {still} --ensemble 2 --init {start}");
        workplace.succeed(&format!("{train} -o again --force"));
        for (before, after) in first(start).into_iter().zip(first("again")) {
            assert!((before - after).abs() < 1e-4, "{start}: {before} {after}");
        }
    }
    workplace.fail(
        &format!("train {DATA} {still} --ensemble 3 --init two -o no"),
        &["training.ensemble"],
    );
}

#[test]
fn the_best_epoch_is_told_by_the_history_of_smoothed_scores() {
    let workplace = simulated();
    for smoothing in [1, 3] {
        workplace.succeed(&format!(
            "train {DATA} --method raw-d --set training.epochs=8 \
             --set training.learning_rate=0.02 --set training.smoothing={smoothing} \
             -o run --force"
        ));
        let history = workplace.text("run/history.tsv");
        let rows = history.lines().skip(1);
        let r: Vec<f64> = rows
            .map(|row| row.split('\t').nth(4).unwrap().parse().unwrap())
            .collect();
        let score = |epoch: usize| {
            let recent = &r[epoch.saturating_sub(smoothing)..epoch];
            recent.iter().sum::<f64>() / recent.len() as f64
        };
        let better = |best, epoch| {
            if score(epoch) > score(best) {
                epoch
            } else {
                best
            }
        };
        let best = (1..=r.len()).reduce(better).unwrap();
        let metrics: Value = serde_json::from_str(&workplace.text("run/metrics.json")).unwrap();
        assert_eq!(metrics["best_epoch"], best, "{smoothing}: {r:?}");
    }
}

/// Methods of which there can be no ensemble say so.
#[test]
fn ensembles_of_methods_without_a_joint_network_are_refused() {
    let workplace = simulated();
    for method in ["ridge", "attentive-chrome", "deep-chrome"] {
        workplace.fail(
            &format!("train {DATA} --method {method} --ensemble 2 -o run"),
            &["ensemble", method],
        );
    }
}
