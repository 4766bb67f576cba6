//! Bad files to import get an error that names file, line or gene and the remedy, exit
//! code 1, and leave nothing behind.

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
