//! The report of a study, of the tables and figures in its folder.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{Markup, html};

use super::page::{Page, Section, table};
use crate::{
    error::{Error, Place, Result},
    study::{DESCRIPTION, MARKER, check_checksums},
};

/// Whether a folder is that of a study.
pub fn is_study(folder: &Path) -> bool {
    folder.join(MARKER).is_file()
}

/// What is shown: section, heading, figures with what they show, tables with their captions.
struct Part {
    id: &'static str,
    title: &'static str,
    figures: &'static [(&'static str, &'static str)],
    tables: &'static [(&'static str, &'static str)],
}

const PARTS: [Part; 5] = [
    Part {
        id: "pairs",
        title: "Pairs of cell types",
        figures: &[(
            "pearson_by_pair",
            "Pearson r of the test genes on each pair: baselines, the best DeepDiff variant, the best \
             other method (Figure 4 of the DeepDiff paper)",
        )],
        tables: &[(
            "pearson",
            "Every method on every pair: Pearson r of the test genes, mean over seeds, with its 95 % \
             bootstrap interval over genes",
        )],
    },
    Part {
        id: "methods",
        title: "Methods",
        figures: &[(
            "methods",
            "Pearson r of every method; a dot per pair, the bar is the mean",
        )],
        tables: &[("methods", "Every method over all pairs")],
    },
    Part {
        id: "comparisons",
        title: "Who is better than whom",
        figures: &[],
        tables: &[
            (
                "comparisons",
                "Wilcoxon's signed-rank test over pairs, adjusted by Holm",
            ),
            (
                "differences",
                "On each pair the difference of Pearson r to a baseline, with its 95 % interval, the \
                 same genes drawn for both",
            ),
            (
                "auxiliary",
                "Variants with cell-specific regression beside the same with classification",
            ),
        ],
    },
    Part {
        id: "cost",
        title: "Cost",
        figures: &[("cost", "Mean Pearson r beside the time of a fit")],
        tables: &[("cost", "Wall-clock seconds")],
    },
    Part {
        id: "runs",
        title: "Runs",
        figures: &[],
        tables: &[("runs", "Every run")],
    },
];

/// The page of a study.
///
/// # Errors
/// When the folder lacks one of the tables or figures, or a table is damaged.
pub fn study_page(folder: &Path) -> Result<String> {
    check_checksums(folder)?;
    let mut sections = Vec::new();
    for part in &PARTS {
        sections.push(Section {
            id: part.id,
            title: part.title,
            body: body(folder, part)?,
        });
    }
    let description = folder.join(DESCRIPTION);
    let text = fs::read_to_string(&description).map_err(Error::io("read", &description))?;
    sections.push(Section {
        id: "description",
        title: "Description",
        body: html! {
            p { "What was compared, and how (" (DESCRIPTION) "):" }
            pre tabindex="0" { code { (text) } }
        },
    });
    let caveats = html! {
        ul.caveats {
            li {
                "The best of several methods on a pair is chosen by the very test genes that it is \
                 shown for: it tells what a family can reach, not what one would have chosen."
            }
            li {
                "Pairs that share a cell type are not independent of one another, so that p values \
                 over pairs are too small."
            }
            li { "For attention and attribution make the report of one of the runs." }
        }
    };
    sections.insert(
        0,
        Section {
            id: "summary",
            title: "What to keep in mind",
            body: caveats,
        },
    );
    let name = fs::canonicalize(folder).unwrap_or_else(|_| folder.into());
    let name = name
        .file_name()
        .unwrap_or(folder.as_os_str())
        .to_string_lossy();
    let page = Page {
        title: format!("{name}: a study"),
        subtitle: "Methods that predict differential expression, over pairs of cell types".into(),
        sections,
        data: None,
    };
    Ok(page.html())
}

fn body(folder: &Path, part: &Part) -> Result<Markup> {
    let mut figures = Vec::new();
    for (name, description) in part.figures {
        let path = folder.join(format!("{name}.svg"));
        let svg = fs::read(&path).map_err(Error::io("read", &path))?;
        figures.push((*description, STANDARD.encode(svg)));
    }
    let mut tables = Vec::new();
    for (name, caption) in part.tables {
        let path = folder.join(format!("{name}.tsv"));
        tables.push((*caption, read_table(&path)?));
    }
    Ok(html! {
        @for (description, svg) in &figures {
            figure {
                // As a picture it cannot bring a script with it.
                img alt=(description) src={ "data:image/svg+xml;base64," (svg) };
                figcaption { (description) "." }
            }
        }
        @for (caption, (columns, rows)) in &tables {
            @if rows.len() > 12 {
                details {
                    summary { (caption) " (" (rows.len()) " rows)" }
                    (of_texts(caption, columns, rows))
                }
            } @else if !rows.is_empty() {
                (of_texts(caption, columns, rows))
            }
        }
    })
}

type Rows = (Vec<String>, Vec<Vec<String>>);

fn read_table(path: &Path) -> Result<Rows> {
    let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
    let mut lines = text.lines();
    let split = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let columns = split(lines.next().unwrap_or_default());
    let mut rows = Vec::new();
    for (line, row) in (2_u64..).zip(lines) {
        let row = split(row);
        if row.len() != columns.len() {
            return Err(Error::content(
                path,
                Place::Line(line),
                format!("{} columns", columns.len()),
                row.len().to_string(),
                "Run the study again with --resume, which makes its tables anew",
            ));
        }
        rows.push(row);
    }
    Ok((columns, rows))
}

/// A table of texts as they stand in a file: columns of numbers to the right, rounded.
fn of_texts(caption: &str, columns: &[String], rows: &[Vec<String>]) -> Markup {
    let is_number = |column: usize| {
        let mut cells = rows.iter().map(|row| row[column].as_str());
        cells.all(|cell| cell == "NA" || cell.parse::<f64>().is_ok())
    };
    let numbers: Vec<bool> = (0..columns.len()).map(is_number).collect();
    let names: Vec<String> = columns
        .iter()
        .zip(&numbers)
        .map(|(name, is_number)| {
            let name = name.replace('_', " ");
            if *is_number { format!("#{name}") } else { name }
        })
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let short = |cell: &String| match cell.parse::<f64>() {
        Ok(value) if cell.contains('.') && value.abs() >= 1e-3 => {
            super::page::number(Some(value), 3)
        }
        _ => cell.clone(),
    };
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(short).collect())
        .collect();
    table(caption, &names, &rows)
}
