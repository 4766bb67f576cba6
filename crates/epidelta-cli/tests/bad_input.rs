//! Bad data and settings get an error that names file, line or gene and the remedy, exit
//! code 1, and leave nothing behind.

mod common;

use common::{Workplace, deepdiff_csv, import_command};

/// Two cell types, B changed by `change` before import.
fn pair(change: impl Fn(&Workplace)) -> Workplace {
    let workplace = Workplace::new();
    deepdiff_csv(&workplace, "A", 6, 6);
    deepdiff_csv(&workplace, "B", 6, 6);
    change(&workplace);
    workplace.succeed(&import_command("A"));
    workplace
}

const TRAIN: &str = "train --a A.parquet --b B.parquet --method raw-d --set training.epochs=1 \
                     --set training.batch_size=3 -o run";

/// Marks that the other cell type lacks are left out.
#[test]
fn marks_that_differ() {
    let workplace = pair(|workplace| {
        let text = workplace.text("B.expr.csv").replace("0\n", "7\n");
        workplace.write("B.expr.csv", text);
    });
    let of_b = |marks: &str| {
        workplace.succeed(
            &import_command("B")
                .replace("X,Y", marks)
                .replace("-o", "--force -o"),
        )
    };
    of_b("X,Z");
    let said = workplace.succeed(TRAIN).stderr;
    assert!(
        said.contains("marks left out") && said.contains("Y, Z"),
        "{said}"
    );
    let run: toml::Table = workplace.text("run/run.toml").parse().unwrap();
    assert_eq!(run["data"]["marks"].to_string(), r#"["X"]"#);
    // Whatever Y and Z are, the predictions are the same.
    let before = workplace.text("run/predictions.tsv");
    for name in ["B.train.csv", "B.valid.csv", "B.test.csv"] {
        let text = workplace.text(name);
        let changed = text.lines().map(|line| {
            let (rest, _) = line.rsplit_once(',').unwrap();
            format!("{rest},9\n")
        });
        workplace.write(name, changed.collect::<String>());
    }
    of_b("X,Z");
    workplace.succeed("predict --run run --a A.parquet --b B.parquet -o p.tsv");
    assert_eq!(workplace.text("p.tsv"), before);

    let train = TRAIN.replace("-o run", "-o other");
    of_b("V,W");
    workplace.fail(
        &train,
        &["no mark is in both A and B", "marks of the same names"],
    );
    of_b("X,Z");
    let ridge = train
        .replace("raw-d", "ridge")
        .replace("--set training.epochs=1", "")
        .replace("--set training.batch_size=3", "");
    workplace.succeed(&ridge);
}

#[test]
fn bins_that_differ() {
    let workplace = pair(|workplace| deepdiff_csv(workplace, "B", 6, 5));
    workplace.succeed(&import_command("B"));
    workplace.fail(TRAIN, &["the data differ in kind", "6 bins", "5 bins"]);
}

#[test]
fn genes_and_marks_in_another_order_are_the_same_data() {
    let workplace = pair(|_| ());
    workplace.succeed(&import_command("B"));
    workplace.succeed(TRAIN);
    // The same B, its genes backwards and its marks swapped.
    for split in ["train", "valid", "test"] {
        let name = format!("B.{split}.csv");
        let text = workplace.text(&name);
        let lines: Vec<&str> = text.lines().collect();
        let mut backwards = String::new();
        for gene in lines.chunks(6).rev() {
            for line in gene {
                let [key, x, y] = line.split(',').collect::<Vec<_>>()[..] else {
                    panic!("three columns")
                };
                backwards.push_str(&format!("{key},{y},{x}\n"));
            }
        }
        workplace.write(&name, backwards);
    }
    workplace.succeed(&(import_command("B").replace("X,Y", "Y,X") + " --force"));
    workplace.succeed(&TRAIN.replace("-o run", "-o again"));
    assert_eq!(
        workplace.text("run/predictions.tsv"),
        workplace.text("again/predictions.tsv")
    );
}

#[test]
fn no_gene_in_common() {
    let workplace = pair(|workplace| {
        for name in ["B.train.csv", "B.valid.csv", "B.test.csv", "B.expr.csv"] {
            workplace.write(name, workplace.text(name).replace('G', "H"));
        }
    });
    workplace.succeed(&import_command("B"));
    workplace.fail(
        TRAIN,
        &[
            "no gene is in both",
            "ids like G0000",
            "H0000",
            "same annotation",
        ],
    );
}

#[test]
fn dropped_genes_are_told() {
    let workplace = pair(|workplace| {
        let text = workplace.text("B.train.csv").replace("G0005", "G0009");
        workplace.write("B.train.csv", text);
        let text = workplace.text("B.expr.csv").replace("G0005", "G0009");
        workplace.write("B.expr.csv", text);
    });
    workplace.succeed(&import_command("B"));
    let outcome = workplace.succeed(TRAIN);
    for part in [
        "17 genes in both",
        "genes only in A, dropped: 1 (G0005)",
        "genes only in B, dropped: 1 (G0009)",
    ] {
        assert!(outcome.stderr.contains(part), "{}", outcome.stderr);
    }
}

#[test]
fn empty_or_contradicting_split() {
    let workplace = pair(|_| ());
    workplace.succeed(&import_command("B"));
    let no_test = |cell: &str| {
        import_command(cell).replace(&format!("--test {cell}.test.csv"), "") + " --force"
    };
    workplace.succeed(&no_test("A"));
    workplace.succeed(&no_test("B"));
    workplace.fail(TRAIN, &["the test split has no gene", "split.method"]);
    // The files' split does not matter when another is asked for.
    workplace.succeed(&format!("{TRAIN} --set split.method=random"));

    let swapped = import_command("B")
        .replace("--train B.train.csv", "--train B.test.csv")
        .replace("--test B.test.csv", "--test B.train.csv");
    workplace.succeed(&(import_command("A") + " --force"));
    workplace.succeed(&(swapped + " --force"));
    let train = TRAIN.replace("-o run", "-o other");
    workplace.fail(
        &train,
        &["is in split", "of A and in split", "split.method"],
    );
    workplace.fail(
        &format!("{train} --set split.method=chromosome"),
        &["has no chromosome", "--genes"],
    );
}

#[test]
fn truncated_or_foreign_parquet() {
    let workplace = pair(|_| ());
    workplace.succeed(&import_command("B"));
    let whole = workplace.read("B.parquet");
    for length in [0, 3, 100, whole.len() / 2, whole.len() - 1] {
        workplace.write("B.parquet", &whole[..length]);
        workplace.fail(TRAIN, &["B.parquet", "a complete epigenome.parquet"]);
    }
    workplace.write("B.parquet", "gene_id\tX\nG0000\t1\n");
    workplace.fail("inspect B.parquet", &["B.parquet", "a complete epigenome"]);
}

/// Wherever a byte is damaged, the file is refused, and nothing panics.
#[test]
fn damaged_parquet_never_panics() {
    let workplace = pair(|_| ());
    let whole = workplace.read("A.parquet");
    let mut state = 1_u64;
    for _ in 0..300 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let mut damaged = whole.clone();
        let at = (state >> 33) as usize % damaged.len();
        damaged[at] ^= 1 << (state >> 24 & 7);
        workplace.write("damaged.parquet", &damaged);
        let outcome = workplace.run("inspect damaged.parquet");
        assert!(
            !outcome.stderr.contains("panicked"),
            "byte {at}: {outcome:?}"
        );
        assert!(!outcome.stderr.contains("defect"), "byte {at}: {outcome:?}");
        assert_eq!(outcome.code, Some(1), "byte {at}: {outcome:?}");
        assert!(outcome.stderr.contains("damaged.parquet"), "{outcome:?}");
    }
}

#[test]
fn divergence_in_the_last_step_is_not_published() {
    let workplace = pair(|_| ());
    workplace.succeed(&import_command("B"));
    workplace.fail(
        &format!("{TRAIN} --set training.batch_size=1000 --set training.learning_rate=3e38"),
        &["is not finite in epoch 1, batch 1"],
    );
}

#[test]
fn a_configuration_of_another_method_is_refused() {
    let workplace = pair(|_| ());
    workplace.succeed(&import_command("B"));
    workplace.succeed(TRAIN);
    let other = TRAIN.replace("-o run", "-o other") + " --config run/run.toml";
    workplace.fail(
        &other.replace("raw-d", "raw"),
        &["--method raw contradicts the configuration file", "raw-d"],
    );
    workplace.fail(
        &format!("{other} --preset paper"),
        &["--preset paper contradicts"],
    );
    for (from, to) in [
        ("seed = 1", "seed = -3"),
        ("method = \"raw-d\"", "method = 3"),
    ] {
        let text = workplace.text("run/run.toml").replacen(from, to, 1);
        workplace.write("odd.toml", text);
        let train = TRAIN.replace("-o run", "-o other") + " --config odd.toml";
        workplace.fail(&train, &["cannot use odd.toml"]);
    }
}

#[test]
fn units_and_windows_that_differ() {
    let workplace = pair(|_| ());
    workplace.succeed(&(import_command("B") + " --bin-size 50"));
    workplace.fail(TRAIN, &["the data differ in kind", "100 bp", "50 bp"]);
}

#[test]
fn settings_that_do_not_exist_or_fit() {
    let workplace = pair(|_| ());
    workplace.succeed(&import_command("B"));
    for (set, part) in [
        ("training.rate=1", "there is no such setting"),
        ("training.patience=-1", "training.patience: -1 is negative"),
        ("=1", "it is not a setting's name"),
    ] {
        workplace.fail(&format!("{TRAIN} --set {set}"), &["cannot use --set", part]);
    }
    for (set, part) in [
        ("training.batch_size=0", "training.batch_size: it is 0"),
        (
            "model.hidden_bins=65",
            "model.hidden_bins: 65 is out of range",
        ),
        ("split.test=nan", "split.test: NaN"),
        (
            "model.auxiliary=none --set model.shared_encoders=true",
            "shared_encoders",
        ),
    ] {
        workplace.fail(&format!("{TRAIN} --set {set}"), &[part]);
    }
    workplace.fail(
        &format!("{TRAIN} --set split.method=random --set split.valid=40"),
        &["setting split.valid, split.test", "leave none of 18"],
    );
    workplace.write("broken.toml", "[training\n");
    workplace.fail(&format!("{TRAIN} --config broken.toml"), &["broken.toml"]);
    // Wrong usage exits with 2, as command-line tools do.
    assert_eq!(workplace.run("train --method nothing").code, Some(2));
    assert_eq!(workplace.run("").code, Some(2));
}

#[test]
fn divergence_stops_with_an_explanation() {
    let workplace = pair(|_| ());
    workplace.succeed(&import_command("B"));
    workplace.fail(
        &format!("{TRAIN} --set training.learning_rate=1e38 --set training.max_gradient_norm=1e38"),
        &["is not finite in epoch 1, batch", "learning rate"],
    );
}

#[test]
fn weights_that_do_not_fit() {
    let workplace = pair(|_| ());
    workplace.succeed(&import_command("B"));
    workplace.succeed(TRAIN);
    let other = TRAIN.replace("-o run", "-o other");
    workplace.fail(
        &format!("{other} --set model.hidden_bins=8 --init run/model.safetensors"),
        &["model.safetensors", "has shape"],
    );
    workplace.write("garbage.safetensors", "garbage");
    workplace.fail(
        &format!("{other} --init garbage.safetensors"),
        &["garbage.safetensors", "a safetensors file"],
    );
}

#[test]
fn runs_that_were_changed_or_do_not_fit_the_data() {
    let workplace = pair(|_| ());
    workplace.succeed(&import_command("B"));
    workplace.succeed(TRAIN);
    workplace.succeed("simulate --genes 40 --bins 8 -o sim");
    let predict = "predict --run run --a A.parquet --b B.parquet -o p.tsv";
    workplace.fail(
        "predict --run run --a sim/A.parquet --b sim/B.parquet -o p.tsv",
        &["none of the marks that the run was trained on, X, Y, is in both A and B"],
    );
    for cell in ["C", "D"] {
        deepdiff_csv(&workplace, cell, 4, 8);
        workplace.succeed(&import_command(cell));
    }
    workplace.fail(
        "predict --run run --a C.parquet --b D.parquet -o p.tsv",
        &["the run was trained on 6 bins", "8 bins"],
    );
    let mut weights = workplace.read("run/model.safetensors");
    let last = weights.len() - 1;
    weights[last] ^= 1;
    workplace.write("run/model.safetensors", &weights);
    workplace.fail(predict, &["model.safetensors", "the model with SHA-256"]);

    let description = workplace.text("run/run.toml");
    workplace.write(
        "run/run.toml",
        description.replace("format = 2", "format = 9"),
    );
    workplace.fail(
        predict,
        &["run.toml", "format = 2", "found 9", "a newer epidelta"],
    );
    workplace.seal(
        "run/run.toml",
        &description.replace("method = \"raw-d\"", ""),
    );
    workplace.fail(predict, &["run.toml", "method"]);
    workplace.write("run/run.toml", description);
    let predictions = workplace.text("run/predictions.tsv");
    workplace.write(
        "run/predictions.tsv",
        predictions.replacen("train", "tain", 1),
    );
    workplace.fail(
        "evaluate --run run",
        &["predictions.tsv", "the predictions with SHA-256"],
    );
}
