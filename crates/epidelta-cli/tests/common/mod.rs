//! Running the program in a folder of its own.

#![allow(dead_code, reason = "each test uses some of it")]

pub mod lists;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// What a study writes beside its runs that tells no time.
const STUDY_FILES: [&str; 12] = [
    "auxiliary.tsv",
    "comparisons.tsv",
    "differences.tsv",
    "methods.png",
    "methods.svg",
    "methods.tsv",
    "pearson.tsv",
    "pearson_by_pair.png",
    "pearson_by_pair.svg",
    "runs.tsv",
    "study.json",
    "study.toml",
];

/// A folder to run the program in.
pub struct Workplace(TempDir);

/// What a run of the program gave.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Workplace {
    pub fn new() -> Self {
        Workplace(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Writes a changed `run.toml` with the checksum that it would have.
    pub fn seal(&self, name: &str, text: &str) {
        self.write(name, epidelta::run::RunDescription::sealed(text));
    }

    /// The measures of a run, without their checksum.
    pub fn metrics(&self, run: &str) -> serde_json::Value {
        let text = self.read(&format!("{run}/metrics.json"));
        let mut metrics: serde_json::Value = serde_json::from_slice(&text).unwrap();
        metrics.as_object_mut().unwrap().remove("sha256").unwrap();
        metrics
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Checks that two folders of a study have the same in all that tells no time.
    pub fn same_study(&self, one: &str, other: &str) {
        for name in STUDY_FILES {
            let of = |study: &str| self.read(&format!("{study}/{name}"));
            assert!(of(one) == of(other), "{name} of {one} and {other}");
        }
    }

    /// The names in the folder, hidden ones too.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs `epidelta` with words separated by spaces.
    pub fn run(&self, arguments: &str) -> Outcome {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        self.run_words(&words)
    }

    pub fn run_words(&self, words: &[&str]) -> Outcome {
        let output = Command::new(env!("CARGO_BIN_EXE_epidelta"))
            .args(words)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Outcome {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Runs `epidelta` and expects success.
    pub fn succeed(&self, arguments: &str) -> Outcome {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(0), "{arguments}\n{}", outcome.stderr);
        outcome
    }

    /// Runs `epidelta` and expects exit code 1, every part in the message, no
    /// panic, and nothing new in the folder.
    pub fn fail(&self, arguments: &str, parts: &[&str]) {
        let before = self.names();
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(1), "{arguments}\n{outcome:?}");
        for part in parts {
            assert!(
                outcome.stderr.contains(part),
                "{arguments}: {part:?} is not in\n{}",
                outcome.stderr
            );
        }
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
        assert_eq!(self.names(), before, "{arguments}: left something behind");
    }
}

/// A file or folder of the shared data, or `None` (said on stderr) where
/// `EPIDELTA_SHARED` is not set. With the variable set, a missing file fails.
pub fn shared(path: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("EPIDELTA_SHARED") else {
        eprintln!("skipped: EPIDELTA_SHARED is not set, so there is no {path}");
        return None;
    };
    let path = Path::new(&root).join(path);
    assert!(path.exists(), "{} is missing", path.display());
    Some(path)
}

/// A small cell type in the published CSV format: genes by split, `bins` bins of
/// two marks, and expression.
pub fn deepdiff_csv(workplace: &Workplace, prefix: &str, genes: usize, bins: usize) {
    let mut expression = String::new();
    for (index, split) in ["train", "valid", "test"].into_iter().enumerate() {
        let mut text = String::new();
        for gene in 0..genes {
            let id = format!("G{index}{gene:03}");
            for bin in 1..=bins {
                let (x, y) = ((gene + bin) % 5, (gene * bin) % 7);
                text.push_str(&format!("{id}_NAME_{gene}_{bin},{x},{y}\n"));
            }
            expression.push_str(&format!("{id},{}\n", 10 * gene + index + prefix.len()));
        }
        workplace.write(&format!("{prefix}.{split}.csv"), text);
    }
    workplace.write(&format!("{prefix}.expr.csv"), expression);
}

/// The command that imports what [`deepdiff_csv`] wrote.
pub fn import_command(prefix: &str) -> String {
    format!(
        "import deepdiff --name {prefix} --marks X,Y --expression {prefix}.expr.csv \
         --train {prefix}.train.csv --valid {prefix}.valid.csv --test {prefix}.test.csv \
         -o {prefix}.parquet"
    )
}

/// Imports the published sample as `E123.parquet` and `E003.parquet`, or with a suffix before the
/// dot, with further options; `None` where there are no shared data.
pub fn import_sample(workplace: &Workplace, suffix: &str, options: &str) -> Option<()> {
    let sample = shared("data/deepdiff-sample")?;
    let sample = sample.display();
    for (name, cell) in [("E123", "Cell1"), ("E003", "Cell2")] {
        let files = ["train", "valid", "test"].map(|s| format!("--{s} {sample}/{cell}.{s}.csv"));
        workplace.succeed(&format!(
            "import deepdiff --name {name} --expression {sample}/{cell}.expr.csv {} {options} \
             -o {name}{suffix}.parquet",
            files.join(" ")
        ));
    }
    Some(())
}

/// The option that gives the published sample its strands.
pub fn sample_genes() -> Option<String> {
    let genes = shared("data/genes/gencode_10_genes.gtf.gz")?;
    Some(format!("--genes {}", genes.display()))
}
