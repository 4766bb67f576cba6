//! What was run and on what: files, their checksums and sources, settings.

use std::fs;

use maud::{Markup, html};

use super::RunReport;
use crate::{
    error::{Error, Result},
    provenance::Provenance,
    report::page::{facts, number, table},
    training::NamedHistory,
};

impl RunReport<'_> {
    pub(super) fn data(&self) -> Result<Markup> {
        let explained = self.explained;
        let metadata = &explained.pair.cells[0].metadata;
        let shape = [
            ("Marks", explained.pair.marks().join(", ")),
            (
                "Bins",
                format!("{} of {} bp", explained.pair.bins(), metadata.bin_size),
            ),
            (
                "Window",
                format!(
                    "{} bp upstream, {} bp downstream",
                    metadata.upstream, metadata.downstream
                ),
            ),
            ("Signal", metadata.signal_unit.clone()),
            ("Expression", metadata.expression_unit.clone()),
            ("Label", self.label.clone()),
        ];
        let files: Vec<Vec<String>> = explained
            .files
            .iter()
            .map(|file| {
                let name = file.path.file_name().unwrap_or(file.path.as_os_str());
                vec![
                    file.cell_type.clone(),
                    name.to_string_lossy().into_owned(),
                    file.sha256.clone(),
                ]
            })
            .collect();
        let mut sources = Vec::new();
        for cell in &explained.pair.cells {
            let Some(text) = &cell.metadata.provenance else {
                continue;
            };
            // One that another program wrote need not be of this form.
            let Ok(made) = serde_json::from_str::<Provenance>(text) else {
                continue;
            };
            for source in made.sources {
                let reads = source
                    .reads
                    .map_or(String::new(), |reads| reads.depth.to_string());
                sources.push(vec![
                    cell.metadata.cell_type.clone(),
                    source.role,
                    source.name,
                    reads,
                    source.sha256.chars().take(12).collect(),
                ]);
            }
        }
        let settings = self.run.path.join("run.toml");
        let settings = fs::read_to_string(&settings).map_err(Error::io("read", &settings))?;
        // Where files lie on this machine is nobody's business who is sent the page.
        let settings: Vec<&str> = settings
            .lines()
            .filter(|line| !line.starts_with("path = "))
            .collect();
        let settings = settings.join("\n");
        let head = &self.run.description.head;
        Ok(html! {
            (facts(&shape))
            (table("Files of the cell types", &["Cell type", "File", "SHA-256"], &files))
            @if !sources.is_empty() {
                details {
                    summary { "What the files were made from" }
                    (table(
                        "Sources",
                        &["Cell type", "Used as", "File", "#Reads that count", "SHA-256 (first 12)"],
                        &sources,
                    ))
                }
            }
            p {
                "Method " (head.method) ", preset " (head.preset) ", seed " (head.seed)
                ", epidelta " (head.epidelta) "."
            }
            details {
                summary { "All settings (run.toml, without paths)" }
                pre tabindex="0" { code { (settings) } }
            }
        })
    }

    pub(super) fn training(&self, histories: &[NamedHistory], drawn: Markup) -> Markup {
        let epochs: usize = histories.iter().map(|of| of.history.epochs.len()).sum();
        let of_run = self.of_training.as_ref();
        let chosen = of_run.and_then(|metrics| metrics.epochs.as_ref());
        let seconds = of_run.and_then(|metrics| metrics.fit_seconds);
        html! {
            p {
                (epochs) " epochs"
                @if let Some(chosen) = chosen {
                    "; the best by validation genes: " (chosen.best_epoch)
                }
                @if let Some(seconds) = seconds { "; " (number(Some(seconds), 1)) " s" }
                "."
            }
            (drawn)
        }
    }
}
