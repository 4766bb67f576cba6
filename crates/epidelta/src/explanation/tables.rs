//! The tables of an explanation, as TSV with a header line.

use std::{io::Write, path::Path};

use super::{
    ablation::Importance,
    curves::Curves,
    explain::{ExplainConfig, Explained},
    genes::Strands,
    mean::Mean,
    regions::Regions,
};
use crate::{dataset::Pair, error::Result, output::write_atomically};

/// Writes every table that there is something to put in.
///
/// # Errors
/// When a file cannot be written.
pub fn write_tables(
    explained: &Explained,
    config: &ExplainConfig,
    file: impl Fn(&str) -> std::path::PathBuf,
) -> Result<()> {
    let pair = &explained.pair;
    write_marks(&explained.importance, &file("marks.tsv"))?;
    let rows = explained.ablations.iter().map(|of| {
        let mark = pair.marks()[of.mark].as_str();
        let numbers = [of.predicted, of.ablated, of.contribution()].map(|x| x.to_string());
        format!("{mark}\t{}\t{}", of.ablation, numbers.join("\t"))
    });
    let genes = explained.ablations.iter().map(|of| of.gene);
    let header = "mark\tablation\tpredicted\tablated\tcontribution";
    write_of_genes(pair, header, genes.zip(rows), &file("ablation.tsv"))?;
    write_regions(explained, &file("regions.tsv"))?;
    if let Some(directions) = &explained.directions {
        let header = "direction\tgenes\tchannel\tmark\tbeta\tbeta_low\tbeta_high";
        let rows = directions.of_marks().into_iter().map(|of| {
            let encoder = &of.encoder;
            format!(
                "{}\t{}\t{}\t{}\t{}",
                of.direction.name(),
                directions.genes(of.direction),
                encoder.channel,
                encoder.mark,
                mean_columns(of.beta)
            )
        });
        write(header, rows, &file("mark_attention.tsv"))?;
        let header = "direction\tchannel\tmark\tposition\talpha";
        let positions = positions(pair);
        let rows = directions.of_bins().into_iter().flat_map(|of| {
            let start = format!(
                "{}\t{}\t{}",
                of.direction.name(),
                of.encoder.channel,
                of.encoder.mark
            );
            let rows = positions.iter().zip(of.alpha.unwrap_or_default());
            rows.map(|(position, alpha)| format!("{start}\t{position}\t{alpha}"))
                .collect::<Vec<_>>()
        });
        write(header, rows, &file("bin_attention.tsv"))?;
    }
    if !config.perturbations.is_empty() {
        let header = "gene_name\tperturbation\tpredicted\tperturbed\tchange";
        let rows = explained.perturbed.iter().map(|of| {
            let name = pair.record(of.gene, 0).gene_name.as_deref();
            // A name with a tab in it would be two columns.
            let name = name.map_or("NA".into(), |name| name.replace(char::is_control, " "));
            let what = &config.perturbations[of.perturbation];
            let numbers = [of.predicted, of.perturbed, of.change()].map(|x| x.to_string());
            format!("{name}\t{what}\t{}", numbers.join("\t"))
        });
        let genes = explained.perturbed.iter().map(|of| of.gene);
        write_of_genes(pair, header, genes.zip(rows), &file("perturbations.tsv"))?;
    }
    if !explained.coefficients.is_empty() {
        let metadata = &pair.cells[0].metadata;
        let rows = explained.coefficients.iter().map(|of| {
            format!(
                "{}\t{}\t{}\t{}\t{}",
                of.channel.name(),
                pair.marks()[of.mark],
                metadata.position(of.bins.start),
                metadata.position(of.bins.end),
                of.weight
            )
        });
        write(
            "channel\tmark\tfrom\tto\tweight",
            rows,
            &file("coefficients.tsv"),
        )?;
    }
    write_curves(&explained.faithfulness.curves, &file("curves.tsv"))?;
    write_atomically(&file("faithfulness.json"), false, |out| {
        serde_json::to_writer_pretty(&mut *out, &explained.faithfulness)?;
        writeln!(out)
    })
}

/// Positions of the middles of the bins, bp downstream of the TSS.
pub(crate) fn positions(pair: &Pair) -> Vec<f64> {
    let metadata = &pair.cells[0].metadata;
    let half = f64::from(metadata.bin_size) / 2.0;
    let bins = 0..pair.bins();
    bins.map(|bin| metadata.position(bin) as f64 + half)
        .collect()
}

fn write_marks(importance: &[Importance], path: &Path) -> Result<()> {
    let header = "mark\tablation\tgenes\tmean_contribution\tcontribution_low\tcontribution_high\t\
                  pearson_r\tpearson_r_without\tloss\tloss_low\tloss_high";
    let rows = importance.iter().map(|of| {
        let r = [of.pearson_r, of.pearson_r_without].map(or_na);
        let loss = match of.loss {
            Some(loss) => [loss.difference, loss.interval[0], loss.interval[1]].map(Some),
            None => [None; 3],
        };
        format!(
            "{}\t{}\t{}\t{}\t{}\t{}",
            of.mark,
            of.ablation,
            of.contribution.map_or(0, |mean| mean.genes),
            mean_columns(of.contribution),
            r.join("\t"),
            loss.map(or_na).join("\t")
        )
    });
    write(header, rows, path)
}

fn write_regions(explained: &Explained, path: &Path) -> Result<()> {
    let pair = &explained.pair;
    let (marks, bins) = (pair.marks(), pair.bins());
    let metadata = &pair.cells[0].metadata;
    let units = explained
        .regions
        .first()
        .map_or(0, |of| of.contributions.len());
    let regions = Regions::new(marks.len(), bins, units / marks.len().max(1));
    let rows = explained.regions.iter().flat_map(|of| {
        let contributions = of.contributions.iter().enumerate();
        contributions
            .map(|(region, contribution)| {
                let (mark, range) = regions.bins_of(region);
                let range = match explained.strands.is_reversed(pair, of.gene) {
                    true => bins - range.end..bins - range.start,
                    false => range,
                };
                let [from, to] = [range.start, range.end].map(|bin| metadata.position(bin));
                (
                    of.gene,
                    format!("{}\t{from}\t{to}\t{contribution}", marks[mark]),
                )
            })
            .collect::<Vec<_>>()
    });
    write_of_genes(pair, "mark\tfrom\tto\tcontribution", rows, path)
}

fn write_curves(curves: &[Curves], path: &Path) -> Result<()> {
    let rows = curves.iter().flat_map(|of_unit| {
        let of_ranking = of_unit.curves.iter().flat_map(move |curve| {
            let both = [
                ("deletion", &curve.deletion),
                ("insertion", &curve.insertion),
            ];
            both.into_iter().flat_map(move |(name, means)| {
                let points = of_unit.shares.iter().zip(means);
                points.map(move |(share, mean)| {
                    format!(
                        "{}\t{}\t{name}\t{share}\t{}",
                        of_unit.unit.name(),
                        curve.ranking,
                        mean_columns(Some(*mean))
                    )
                })
            })
        });
        of_ranking.collect::<Vec<_>>()
    });
    write("unit\tranking\tcurve\tshare\tmean\tlow\thigh", rows, path)
}

/// Rows that begin with what tells a gene.
fn write_of_genes(
    pair: &Pair,
    header: &str,
    rows: impl Iterator<Item = (usize, String)>,
    path: &Path,
) -> Result<()> {
    let several = pair.is_of_several();
    let cells = if several {
        "cell_type_a\tcell_type_b\t"
    } else {
        ""
    };
    let rows = rows.map(|(gene, row)| {
        let cells = match several {
            true => format!("{}\t", pair.cell_types(gene).join("\t")),
            false => String::new(),
        };
        let split = pair.role(gene).map_or("NA", |split| split.name());
        format!("{}\t{cells}{split}\t{row}", pair.gene_id(gene))
    });
    write(&format!("gene_id\t{cells}split\t{header}"), rows, path)
}

fn write(header: &str, rows: impl Iterator<Item = String>, path: &Path) -> Result<()> {
    write_atomically(path, false, |out| {
        writeln!(out, "{header}")?;
        for row in rows {
            writeln!(out, "{row}")?;
        }
        Ok(())
    })
}

fn or_na(number: Option<f64>) -> String {
    number.map_or_else(|| "NA".to_owned(), |x| x.to_string())
}

/// A mean and the ends of its interval.
fn mean_columns(mean: Option<Mean>) -> String {
    let interval = mean.and_then(|mean| mean.interval);
    let all = [
        mean.map(|mean| mean.mean),
        interval.map(|ends| ends[0]),
        interval.map(|ends| ends[1]),
    ];
    all.map(or_na).join("\t")
}

/// What the TSS axis is, in words.
pub(crate) fn axis_in_words(strands: Strands) -> &'static str {
    match strands.is_oriented() {
        true => "Position from the TSS, upstream first",
        false => "Position from the TSS along the genome (strands are not known)",
    }
}
