//! Every `epidelta` command in the documentation runs, in order, in one folder.

mod common;

use std::{fs, path::Path};

use common::Workplace;

fn documented(page: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join(page)).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    let commands: Vec<String> = blocks
        .flat_map(|block| block.split("```").next().unwrap().lines())
        .filter_map(|line| line.strip_prefix("epidelta "))
        .map(str::to_owned)
        .collect();
    assert!(!commands.is_empty(), "no command in {page}");
    commands
}

#[test]
fn links_between_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut links = 0;
    for page in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "docs/prepare.md",
        "docs/reference.md",
        "docs/speed.md",
    ] {
        let path = root.join(page);
        let text = fs::read_to_string(&path).unwrap();
        for target in text.split("](").skip(1) {
            let target = target.split([')', '#']).next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                links += 1;
                let file = path.parent().unwrap().join(target);
                assert!(file.exists(), "{page} links to {target}");
            }
        }
    }
    assert!(links >= 2, "{links} links");
}

#[test]
fn commands_of_the_readme_run() {
    let workplace = Workplace::new();
    // The published files, in small.
    let (genes, bins) = (3, 4);
    for (cell, split) in [("Cell1", "train"), ("Cell1", "valid"), ("Cell1", "test")] {
        let text: String = (0..genes * bins)
            .map(|i| format!("{split}{}_N_{},1,2,3,4,5\n", i / bins, i % bins + 1))
            .collect();
        workplace.write(&format!("{cell}.{split}.csv"), text);
    }
    let expression: String = ["train", "valid", "test"]
        .iter()
        .flat_map(|split| (0..genes).map(move |g| format!("{split}{g},7\n")))
        .collect();
    workplace.write("Cell1.expr.csv", expression);

    let commands = documented("README.md");
    assert!(commands.len() >= 7, "{commands:?}");
    for command in commands {
        workplace.succeed(&command);
    }
}

#[test]
fn commands_of_the_page_on_preparing_run() {
    let workplace = Workplace::new();
    let genes = 1..=100;
    let changes: String = genes.map(|g| format!("SIMG{g:08},{}\n", g % 7)).collect();
    workplace.write("deseq2.csv", format!("gene,log2FoldChange\n{changes}"));
    let commands = documented("docs/prepare.md");
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        workplace.succeed(&command);
    }
}

#[test]
fn demo_finds_the_switching_genes() {
    let workplace = Workplace::new();
    let outcome = workplace.succeed("demo");
    assert!(
        outcome.stdout.contains("predicted to change most"),
        "{outcome:?}"
    );
    let metrics: serde_json::Value =
        serde_json::from_str(&workplace.text("demo/run/metrics.json")).unwrap();
    let r = metrics["test"]["pearson_r"].as_f64().unwrap();
    assert!(r > 0.85, "test Pearson r {r}");
    // What it says next works.
    let hint = outcome.stdout.rsplit_once("To look at them:\n").unwrap().1;
    let hints: Vec<&str> = hint.lines().map(str::trim).collect();
    assert_eq!(hints.len(), 2);
    for command in hints {
        workplace.succeed(command.strip_prefix("epidelta ").unwrap());
    }
    workplace.fail("demo", &["demo already exists", "--force"]);
}

#[test]
fn help_tells_every_file_and_column() {
    let workplace = Workplace::new();
    let help = workplace.succeed("train --help").stdout;
    workplace.succeed("simulate --genes 40 --bins 8 -o sim");
    workplace.succeed("train --a sim/A.parquet --b sim/B.parquet --set training.epochs=1 -o run");
    for entry in fs::read_dir(workplace.path("run")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(help.contains(&name), "train --help does not name {name}");
    }
    let columns = |help: &str, table: &str| {
        for column in workplace.text(table).lines().next().unwrap().split('\t') {
            assert!(
                help.contains(column),
                "help does not name {column} of {table}"
            );
        }
    };
    columns(&help, "run/history.tsv");
    columns(
        &workplace.succeed("predict --help").stdout,
        "run/predictions.tsv",
    );
}
