//! Bad input gets an error that names file, line or gene and the remedy, exit
//! code 1, and leaves nothing behind.

mod common;

use common::{Workplace, deepdiff_csv, import_command};

/// A cell type whose training CSV was changed from `from` to `to`.
fn with_changed_line(from: &str, to: &str) -> Workplace {
    let workplace = Workplace::new();
    deepdiff_csv(&workplace, "A", 4, 6);
    let text = workplace.text("A.train.csv");
    assert!(text.contains(from), "{from:?} is not in the file");
    workplace.write("A.train.csv", text.replacen(from, to, 1));
    workplace
}

fn import_fails(workplace: &Workplace, parts: &[&str]) {
    workplace.fail(&import_command("A"), parts);
}

#[test]
fn missing_file() {
    let workplace = Workplace::new();
    import_fails(&workplace, &["cannot read A.expr.csv", "No such file"]);
    workplace.fail("inspect none.parquet", &["cannot read none.parquet"]);
    workplace.fail(
        "train --a none.parquet --b none.parquet -o run",
        &["cannot read none.parquet"],
    );
    workplace.fail("evaluate --run none", &["run.toml"]);
}

#[test]
fn missing_column() {
    let workplace = with_changed_line("G0000_NAME_0_3,3,0", "G0000_NAME_0_3,3");
    import_fails(
        &workplace,
        &[
            "A.train.csv, line 3",
            "expected 3 columns",
            "found 2",
            "--marks",
        ],
    );
}

#[test]
fn text_negative_and_non_finite_counts() {
    for bad in ["many", "-1", "NaN", "inf", ""] {
        let to = format!("G0000_NAME_0_3,{bad},0");
        let workplace = with_changed_line("G0000_NAME_0_3,3,0", &to);
        let found = format!("found {bad:?}");
        import_fails(&workplace, &["A.train.csv, line 3", "a read count", &found]);
    }
}

#[test]
fn bad_expression() {
    for (line, part) in [
        ("G0001,many", "found \"many\""),
        ("G0001,-3", "found \"-3\""),
        ("G0001,nan", "found \"nan\""),
        ("G0001", "expected 2 columns"),
        ("G0000,1", "each gene once"),
    ] {
        let workplace = Workplace::new();
        deepdiff_csv(&workplace, "A", 4, 6);
        let text = workplace.text("A.expr.csv");
        workplace.write("A.expr.csv", text.replacen("G0001,11", line, 1));
        import_fails(&workplace, &["A.expr.csv, line 2", part]);
    }
}

#[test]
fn gene_with_too_few_bins() {
    let workplace = with_changed_line("G0002_NAME_2_6,3,5\n", "");
    import_fails(
        &workplace,
        &["A.train.csv, line 17", "6 bins", "5 bins for gene G0002"],
    );
}

#[test]
fn bins_out_of_order() {
    let workplace = with_changed_line("G0000_NAME_0_3", "G0000_NAME_0_4");
    import_fails(
        &workplace,
        &["line 3", "bin 3 of gene G0000", "found bin 4"],
    );
}

#[test]
fn header_instead_of_a_bin() {
    let workplace = with_changed_line("G0000_NAME_0_1,1,0", "gene_id,X,Y");
    import_fails(&workplace, &["line 1", "geneID_name_bin", "no header"]);
}

#[test]
fn duplicate_gene() {
    let workplace = Workplace::new();
    deepdiff_csv(&workplace, "A", 4, 6);
    let train = workplace.text("A.train.csv");
    let gene: String = train.lines().take(6).map(|l| format!("{l}\n")).collect();
    let valid = workplace.text("A.valid.csv");
    workplace.write("A.valid.csv", valid + &gene);
    import_fails(
        &workplace,
        &[
            "A.valid.csv, line 25",
            "gene G0000 again",
            "A.train.csv, line 1",
        ],
    );
}

#[test]
fn empty_file() {
    let workplace = Workplace::new();
    deepdiff_csv(&workplace, "A", 4, 6);
    workplace.write("A.valid.csv", "");
    import_fails(&workplace, &["A.valid.csv", "an empty file"]);
}

#[test]
fn strand_orientation_needs_the_strand() {
    let workplace = Workplace::new();
    deepdiff_csv(&workplace, "A", 4, 6);
    let command = import_command("A") + " --orient strand";
    workplace.fail(&command, &["--orient strand needs the strand", "--genes"]);
    workplace.write(
        "some.gtf",
        "chr1\tX\tgene\t1\t9\t.\t+\t.\tgene_id \"G0000\";\n",
    );
    let command = command + " --genes some.gtf";
    workplace.fail(&command, &["some.gtf, gene G0001", "no such gene"]);
    workplace.write(
        "some.gtf",
        "chr1\tX\tgene\tone\t9\t.\t+\t.\tgene_id \"G\";\n",
    );
    workplace.fail(&command, &["some.gtf, line 1", "a GTF record"]);
    workplace.write("some.gtf", "not a GTF\n");
    workplace.fail(&command, &["some.gtf, line 1"]);
}

#[test]
fn genes_without_expression_are_left_out_and_told() {
    let workplace = Workplace::new();
    deepdiff_csv(&workplace, "A", 4, 6);
    let text = workplace.text("A.expr.csv");
    workplace.write("A.expr.csv", text.replacen("G0001,11\n", "", 1));
    let outcome = workplace.succeed(&import_command("A"));
    let told = "genes without expression, left out: 1 (G0001)";
    assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    workplace.write("A.expr.csv", "ELSE,1\n");
    let force = import_command("A") + " --force";
    workplace.fail(&force, &["no gene of the signal files has an expression"]);
}

#[test]
fn output_that_exists() {
    let workplace = Workplace::new();
    deepdiff_csv(&workplace, "A", 4, 6);
    workplace.write("A.parquet", "precious");
    import_fails(&workplace, &["A.parquet already exists", "--force"]);
    assert_eq!(workplace.text("A.parquet"), "precious");
    workplace.succeed(&(import_command("A") + " --force"));
    workplace.succeed("simulate --genes 40 --bins 8 -o sim");
    workplace.fail(
        "simulate --genes 40 --bins 8 -o sim",
        &["sim already exists"],
    );
    let train = "train --a sim/A.parquet --b sim/B.parquet --method raw-d \
                 --set training.epochs=1 -o run";
    workplace.succeed(train);
    workplace.fail(train, &["run already exists", "--force"]);
    workplace.succeed(&format!("{train} --force --seed 2"));
    assert!(workplace.text("run/run.toml").contains("seed = 2"));
    let predict = "predict --run run --a sim/A.parquet --b sim/B.parquet -o p.tsv";
    workplace.succeed(predict);
    workplace.fail(predict, &["p.tsv already exists", "--force"]);
}

#[test]
fn force_replaces_results_only() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 40 --bins 8 -o sim");
    let train = "train --a sim/A.parquet --b sim/B.parquet --method raw-d \
                 --set training.epochs=1 --force -o ";
    // A folder of the user's, the inputs' folder, the current folder, a file.
    std::fs::create_dir(workplace.path("thesis")).unwrap();
    workplace.write("thesis/chapter", "one");
    for command in [
        format!("{train}thesis"),
        "simulate --genes 40 --force -o thesis".into(),
    ] {
        workplace.fail(
            &command,
            &["thesis is not an earlier result", "left as it is"],
        );
    }
    assert_eq!(workplace.text("thesis/chapter"), "one");
    workplace.write("sim/run.toml", "");
    workplace.fail(&format!("{train}sim"), &["would replace the input"]);
    workplace.write("run.toml", "");
    workplace.fail(&format!("{train}."), &["holds the folder you are in"]);
    workplace.fail(&format!("{train}run.toml"), &["is not an earlier result"]);
    // A result of one file replaces neither folders, links nor inputs.
    workplace.succeed(&format!("{train}run"));
    let predict = "predict --run run --a sim/A.parquet --b sim/B.parquet --force -o ";
    workplace.fail(&format!("{predict}thesis"), &["is not a regular file"]);
    std::os::unix::fs::symlink(workplace.path("thesis/chapter"), workplace.path("link")).unwrap();
    workplace.fail(&format!("{predict}link"), &["is not a regular file"]);
    for input in ["sim/A.parquet", "run/model.safetensors"] {
        workplace.fail(&format!("{predict}{input}"), &["is one of the inputs"]);
    }
    workplace.succeed(&format!("{train}run"));
}

#[test]
fn marks_need_names_of_their_own() {
    let workplace = Workplace::new();
    deepdiff_csv(&workplace, "A", 4, 6);
    for (marks, part) in [
        ("X,X", "an earlier mark"),
        ("expression,Y", "a gene column"),
        (",Y", "empty"),
    ] {
        let command = import_command("A").replace("X,Y", marks);
        workplace.fail(&command, &["A.parquet, column", part]);
    }
}

#[test]
fn gene_ids_with_a_tab_are_refused() {
    let workplace = Workplace::new();
    deepdiff_csv(&workplace, "A", 4, 6);
    for name in ["A.train.csv", "A.expr.csv"] {
        workplace.write(name, workplace.text(name).replace("G0001", "G0\t1"));
    }
    import_fails(&workplace, &["A.parquet, gene", "an id without spaces"]);
}

#[test]
fn line_numbers_are_right_with_carriage_returns() {
    let workplace = with_changed_line("G0000_NAME_0_3,3,0", "G0000_NAME_0_3,many,0");
    let text = workplace.text("A.train.csv");
    workplace.write("A.train.csv", text.replace('\n', "\r\n"));
    import_fails(&workplace, &["A.train.csv, line 3", "found \"many\""]);
    workplace.write(
        "A.train.csv",
        text.replace("many", "3").replace('\n', "\r\n"),
    );
    workplace.succeed(&import_command("A"));
}

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

/// Wherever a byte is damaged, the file is refused or read, and nothing panics.
#[test]
fn damaged_parquet_never_panics() {
    let workplace = pair(|_| ());
    let whole = workplace.read("A.parquet");
    let mut state = 1_u64;
    let mut refused = 0;
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
        match outcome.code {
            Some(0) => {}
            Some(1) => {
                refused += 1;
                assert!(outcome.stderr.contains("damaged.parquet"), "{outcome:?}");
            }
            _ => panic!("byte {at}: {outcome:?}"),
        }
    }
    assert!(refused > 50, "{refused} refused");
}

#[test]
fn divergence_in_the_last_step_is_not_published() {
    let workplace = pair(|_| ());
    workplace.succeed(&import_command("B"));
    workplace.fail(
        &format!("{TRAIN} --set training.batch_size=1000 --set training.learning_rate=3e38"),
        &["the validation loss is not finite in epoch 1"],
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
        description.replace("format = 1", "format = 9"),
    );
    workplace.fail(predict, &["run.toml", "format = 1", "found 9"]);
    workplace.write(
        "run/run.toml",
        description.replace("method = \"raw-d\"", ""),
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
