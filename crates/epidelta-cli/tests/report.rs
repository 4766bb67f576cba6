//! `epidelta report` through the program, and its page in a browser.

mod common;

use std::{fs, path::Path, process::Command};

use common::{Workplace, import_sample, sample_genes};

const SHORT: &str = "--set training.epochs=2";

/// A page that is whole: well formed at its ends, and nothing is fetched by it.
fn check(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    assert!(page.len() < 20_000_000, "{} bytes", page.len());
    for fetching in [
        "<link",
        "src=\"http",
        "href=\"http",
        "@import",
        "url(http",
        "fetch(",
    ] {
        assert!(!page.contains(fetching), "{fetching}");
    }
    let shown = page.split("<script").next().unwrap();
    assert!(!shown.contains("NaN"), "a number that is none");
}

/// Opens a page in a headless browser, searches a gene, opens its page, and checks what can be
/// seen (tools/browser/report.mjs). Runs where `EPIDELTA_CHROMIUM` names a browser.
fn browse(workplace: &Workplace, page: &str, gene: &[&str]) {
    let Some(chromium) = std::env::var_os("EPIDELTA_CHROMIUM") else {
        eprintln!("skipped: EPIDELTA_CHROMIUM is not set, so {page} is not opened in a browser");
        return;
    };
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/browser/report.mjs");
    let output = Command::new("node")
        .arg(driver)
        .arg(chromium)
        .arg(workplace.path(page))
        .arg(workplace.path("shots"))
        .args(gene)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, errors) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{page}: {out}\n{errors}");
    assert!(
        out.contains("no console error, no exception, no network request"),
        "{out}"
    );
    for gene in gene {
        assert!(out.contains(gene), "{out}");
    }
    for picture in [
        "top-1280.png",
        "full-1280.png",
        "narrow-400.png",
        "report.pdf",
    ] {
        let size = fs::metadata(workplace.path(&format!("shots/{picture}")))
            .unwrap()
            .len();
        assert!(size > 5_000, "{picture}: {size} bytes");
    }
}

#[test]
fn the_published_sample_on_a_page() {
    let Some(genes) = sample_genes() else {
        return;
    };
    let workplace = Workplace::new();
    import_sample(&workplace, "", &genes).unwrap();
    workplace.succeed(&format!(
        "train --a E123.parquet --b E003.parquet {SHORT} -o run"
    ));
    workplace.succeed("report run -o report.html --figures figures");
    let page = workplace.text("report.html");
    check(&page);
    for part in [
        "E123",
        "E003",
        "SHA-256",
        "Pearson r",
        "What to keep in mind",
        "SOX8",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for figure in [
        "predicted_observed",
        "profiles",
        "history",
        "mark_attention",
        "bin_attention",
        "mark_ablation",
        "faithfulness",
    ] {
        assert!(page.contains(&format!("id=\"fig-{figure}\"")), "{figure}");
        for extension in ["svg", "png"] {
            assert!(
                workplace
                    .path(&format!("figures/{figure}.{extension}"))
                    .is_file()
            );
        }
    }
    // The same run has the same page.
    workplace.succeed("report run -o again.html --threads 1");
    assert!(workplace.read("again.html") == workplace.read("report.html"));
    browse(&workplace, "report.html", &["ENSG00000005513"]);
}

#[test]
fn pages_of_other_methods_pairs_and_tasks() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 90 --bins 12 --cell-types 3 -o many");
    let pair = "--a many/A.parquet --b many/B.parquet";
    workplace.succeed(&format!("train {pair} --method ridge -o ridge"));
    workplace.succeed(&format!(
        "train {pair} --method raw --task classification {SHORT} -o classes"
    ));
    workplace.succeed(&format!(
        "train --pairs many/pairs.tsv {SHORT} --ensemble 2 -o pairs"
    ));
    for run in ["ridge", "classes", "pairs"] {
        let page = format!("{run}.html");
        workplace.succeed(&format!("report {run} -o {page} --sample 20 --threshold 1"));
        check(&workplace.text(&page));
        browse(&workplace, &page, &[]);
    }
    assert!(
        workplace
            .text("ridge.html")
            .contains("The method has no attention.")
    );
    // On other data there are no measures of the training.
    workplace.succeed("report ridge --a many/B.parquet --b many/C.parquet -o new.html");
    let page = workplace.text("new.html");
    assert!(
        page.contains("not those that the run was trained on"),
        "{page}"
    );
}

#[test]
fn a_study_on_a_page() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 60 --bins 12 --cell-types 3 -o lineage");
    workplace.write(
        "study.toml",
        "pairs = [[\"A\", \"B\"], [\"A\", \"C\"]]\nmethods = [\"ridge\", \"lasso\"]\n\
         [cell_types]\nA = \"lineage/A.parquet\"\nB = \"lineage/B.parquet\"\n\
         C = \"lineage/C.parquet\"\n",
    );
    workplace.succeed("study study.toml -o study");
    workplace.succeed("report study -o study.html");
    let page = workplace.text("study.html");
    check(&page);
    for part in [
        "A/B",
        "lasso",
        "mean pearson r",
        "data:image/svg+xml;base64,",
    ] {
        assert!(page.contains(part), "{part}");
    }
    browse(&workplace, "study.html", &[]);
    workplace.fail("report study -o study.html", &["study.html already exists"]);
    workplace.fail(
        "report study -o s.html --figures f",
        &["--figures are for the report of a"],
    );
    fs::remove_file(workplace.path("study/methods.svg")).unwrap();
    workplace.fail("report study -o s.html", &["methods.svg"]);
    workplace.succeed("study study.toml -o study --resume");
    workplace.write("study/methods.tsv", "method\tmean\nridge\n");
    workplace.fail("report study -o s.html", &["methods.tsv", "--resume"]);
}

#[test]
fn unusable_folders_are_refused() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 60 --bins 12 -o sim");
    workplace.succeed("train --a sim/A.parquet --b sim/B.parquet --method ridge -o run");
    workplace.fail("report nowhere -o r.html", &["there is no nowhere"]);
    workplace.fail("report sim -o r.html", &["sim/run.toml"]);
    workplace.fail("report run -o sim/A.parquet", &["already exists"]);
    workplace.fail(
        "report run -o sim/A.parquet --force",
        &["would replace the input"],
    );
    workplace.fail(
        "report run -o run/metrics.json --force",
        &["would replace the input"],
    );
    workplace.write("run/metrics.json", "{");
    workplace.fail("report run -o r.html", &["metrics.json"]);
}
