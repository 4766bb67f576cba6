//! Every `epidelta` command in the documentation runs, in order, in one folder.

mod common;

use std::{fs, io::Write, path::Path};

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
        "config/README.md",
        "docs/accuracy.md",
        "docs/cluster.md",
        "docs/evaluation.md",
        "docs/explain.md",
        "docs/methods.md",
        "docs/planning.md",
        "docs/prepare.md",
        "docs/reliability.md",
        "docs/study.md",
        "examples/remc/README.md",
        "docs/reference.md",
        "docs/speed.md",
        "workflow/README.md",
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
fn commands_of_the_page_on_evaluation_run() {
    let workplace = Workplace::new();
    let rows: String = (1..=300)
        .map(|g| {
            let of = |replicate: u64| (g * 7919 % 1009 + replicate * g % 17).to_string();
            let values = [1, 2, 3, 4].map(of).join("\t");
            format!("SIMG{g:08}\t{values}\n")
        })
        .collect();
    workplace.write("replicates.tsv", format!("gene_id\tA1\tA2\tB1\tB2\n{rows}"));
    let commands = documented("docs/evaluation.md");
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        workplace.succeed(&command);
    }
}

#[test]
fn commands_of_the_pages_on_methods_studies_and_explanations_run() {
    for (page, least) in [
        ("docs/methods.md", 8),
        ("docs/study.md", 5),
        ("docs/explain.md", 6),
        ("docs/reliability.md", 5),
    ] {
        let workplace = Workplace::new();
        let commands = documented(page);
        assert!(commands.len() >= least, "{commands:?}");
        for command in commands {
            // What takes minutes is made in small.
            let small = "simulate --genes 120 --bins 20 --cell-types 9";
            let command = command
                .replace("simulate --cell-types 9", small)
                .replace("simulate --genes 18460", "simulate --genes 60 --bins 20")
                .replace("--method METHOD", "--method raw-d");
            workplace.succeed(&command);
        }
    }
}

#[test]
fn commands_of_the_pages_on_clusters_run() {
    let workplace = Workplace::new();
    let commands = documented("docs/cluster.md");
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        workplace.succeed(&command.replace("--genes 150 --bins 40", "--genes 60 --bins 20"));
    }
    // The lines of the shell make all runs of its study.
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cluster.md");
    let page = fs::read_to_string(page).unwrap();
    let line = page.lines().find(|line| line.starts_with("cut ")).unwrap();
    let epidelta = Path::new(env!("CARGO_BIN_EXE_epidelta")).parent().unwrap();
    let path = std::env::join_paths(
        std::iter::once(epidelta.to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let shell = std::process::Command::new("bash")
        .args(["-euo", "pipefail", "-c", line])
        .env("PATH", path.unwrap())
        .current_dir(workplace.path(""))
        .status();
    assert!(shell.unwrap().success());
    workplace.succeed("study collect sim/study.toml -o study");
    let (_, array) = page.split_once("--array=1-").unwrap();
    let array = array.split(' ').next().unwrap();
    let runs = workplace.text("plan.tsv").lines().count() - 1;
    assert_eq!(array, runs.to_string());
}

#[test]
fn the_page_on_planning_says_what_its_commands_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/planning.md")).unwrap();
    let workplace = Workplace::new();
    let (_, study) = page.split_once("```toml\n").unwrap();
    workplace.write("paper.toml", study.split("```").next().unwrap());
    let all_pairs = std::process::Command::new("python3")
        .arg(root.join("tools/planning/all_pairs.py"))
        .output();
    let Ok(all_pairs) = all_pairs else {
        eprintln!("skipped: there is no python3");
        return;
    };
    workplace.write("all.toml", all_pairs.stdout);
    let commands = documented("docs/planning.md");
    let told: Vec<String> = commands
        .iter()
        .map(|command| workplace.succeed(command).stderr)
        .collect();
    assert_eq!(told.len(), 2);
    assert!(
        told[0].contains("70 runs") && told[0].contains("0.6 hours"),
        "{told:?}"
    );
    assert!(page.contains("0.6 core-hours, and 258 MB at most"));
    assert!(told[0].contains("258 MB each"), "{told:?}");
    // The sum in the table of methods.
    let row = page
        .lines()
        .find(|line| line.starts_with("| all |"))
        .unwrap();
    let sum = row.split('|').nth(2).unwrap().trim().replace(',', "");
    assert!(told[1].contains("107800 runs"), "{told:?}");
    assert!(told[1].contains(&format!("; {sum}.")), "{sum}: {told:?}");
}

/// The public files in small, under their names, then the page's own commands; the
/// study with few genes, epochs and methods.
#[test]
fn commands_of_the_roadmap_example_run() {
    const CELLS: [&str; 9] = [
        "E003", "E004", "E005", "E006", "E007", "E037", "E038", "E116", "E123",
    ];
    const GENES: usize = 60;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/remc");
    let workplace = Workplace::new();
    let example = workplace.path("examples/remc");
    fs::create_dir_all(example.join("reads")).unwrap();
    fs::copy(root.join("samples.tsv"), example.join("samples.tsv")).unwrap();
    let gzip = |name: String, text: &str| {
        let file = fs::File::create(example.join(name)).unwrap();
        let mut file = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        file.write_all(text.as_bytes()).unwrap();
        file.finish().unwrap();
    };
    let tss = |gene: usize| 100_000 + 50_000 * gene;
    let genes: String = (0..GENES)
        .map(|g| {
            format!(
                "chr1\tGENCODE\tgene\t{}\t{}\t.\t+\t.\tgene_id \"ENSG{g:05}.1\"; gene_type \
                 \"protein_coding\"; gene_name \"G{g}\";\n",
                tss(g) + 1,
                tss(g) + 5000
            )
        })
        .collect();
    gzip("gen10.long.gtf.gz".into(), &genes);
    let mut expression = format!("gene_id\t{}\n", CELLS.join("\t"));
    for gene in 0..GENES {
        let of_cells = (0..CELLS.len()).map(|cell| (37 * gene * (cell + 2) % 101).to_string());
        let of_cells: Vec<String> = of_cells.collect();
        expression.push_str(&format!("ENSG{gene:05}\t{}\n", of_cells.join("\t")));
    }
    gzip("57epigenomes.N.pc.gz".into(), &expression);
    for (cell, name) in CELLS.iter().enumerate() {
        for (m, mark) in ["H3K4me1", "H3K4me3", "H3K9me3", "H3K27me3", "H3K36me3"]
            .iter()
            .enumerate()
        {
            let reads: String = (0..GENES)
                .flat_map(|gene| {
                    let reads = 1 + (37 * gene * (cell + 2) % 101) / (m + 5);
                    (0..reads).map(move |read| {
                        let start = tss(gene) + 90 * read;
                        format!("chr1\t{start}\t{}\tN\t1000\t+\n", start + 36)
                    })
                })
                .collect();
            gzip(format!("reads/{name}-{mark}.tagAlign.gz"), &reads);
        }
    }
    let study = fs::read_to_string(root.join("study.toml")).unwrap();
    let (before, rest) = study.split_once("methods = [").unwrap();
    let (_, after) = rest.split_once("\n]\n").unwrap();
    let small = format!("{before}methods = [\"ridge\", \"raw-d\"]\n{after}")
        .replace("baselines = [\"two-layer-svr\", \"attentive-chrome\"]", "")
        .replace("2360.0", "12.0")
        .replace("6100.0", "18.0\ntraining.epochs = 1");
    workplace.write("examples/remc/study.toml", small);
    let commands = documented("examples/remc/README.md");
    assert_eq!(commands.len(), 3, "{commands:?}");
    for command in commands {
        workplace.succeed(&command);
    }
    let table = workplace.text("study/pearson.tsv");
    assert_eq!(table.lines().count(), 1 + 10 * 2);
    // As it ships, nothing is wrong but that the genes are too few here.
    fs::copy(root.join("study.toml"), example.join("study.toml")).unwrap();
    let outcome = workplace.run("study examples/remc/study.toml -o whole");
    let problems = outcome.stderr.lines().filter(|line| line.starts_with("- "));
    let problems: Vec<&str> = problems.collect();
    assert_eq!(problems.len(), 10, "{}", outcome.stderr);
    assert!(
        problems.iter().all(|line| line.starts_with("- pair E")),
        "{problems:?}"
    );
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
    assert_eq!(hints.len(), 3);
    for command in hints {
        workplace.succeed(command.strip_prefix("epidelta ").unwrap());
    }
    workplace.fail("demo", &["demo already exists", "--force"]);
}

#[test]
fn help_tells_every_file_and_column() {
    let workplace = Workplace::new();
    let help = workplace.succeed("train --help").stdout;
    workplace.succeed("simulate --genes 40 --bins 20 -o sim");
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
    let help = workplace.succeed("study --help").stdout;
    workplace.write(
        "study.toml",
        "pairs = [[\"A\", \"B\"]]\nmethods = [\"ridge\"]\n[cell_types]\nA = \"sim/A.parquet\"\n\
         B = \"sim/B.parquet\"\n",
    );
    workplace.succeed("study study.toml -o study");
    for entry in fs::read_dir(workplace.path("study")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".svg").trim_end_matches(".png");
        assert!(help.contains(name), "study --help does not name {name}");
    }
    for table in [
        "pearson",
        "methods",
        "comparisons",
        "differences",
        "runs",
        "cost",
    ] {
        columns(&help, &format!("study/{table}.tsv"));
    }
}
