//! Genes, their expression and their signal put together.

use std::collections::HashMap;

use super::{Genes, PrepareConfig, PrepareSummary};
use crate::{
    bins::Windows,
    dataset::epigenome::{Epigenome, GeneRecord, Mark, Metadata, Orientation},
    error::{Error, Result},
    expression::GeneTable,
    genome::{ChromSizes, Strand},
    provenance::Provenance,
};

/// The windows of the genes that have an expression, and these expressions.
pub(super) fn with_expression(
    genes: &Genes,
    expression: &GeneTable,
    summary: &mut PrepareSummary,
) -> Result<(Windows, Vec<f64>)> {
    let mut used = vec![false; expression.rows.len()];
    let mut windows = Windows {
        bins: genes.windows.bins,
        list: Vec::with_capacity(genes.windows.list.len()),
    };
    let mut values = Vec::with_capacity(genes.windows.list.len());
    let ids = genes
        .windows
        .list
        .iter()
        .map(|window| window.gene_id.as_str());
    for (window, row) in genes.windows.list.iter().zip(expression.rows_of(ids)) {
        match row {
            Some(row) => {
                used[row] = true;
                windows.list.push(window.clone());
                values.push(expression.rows[row].1);
            }
            None => summary.without_expression.push(window.gene_id.clone()),
        }
    }
    let unused = expression
        .rows
        .iter()
        .zip(&used)
        .filter(|(_, used)| !**used);
    summary.without_gene = unused.map(|((id, _), _)| id.clone()).collect();
    if windows.list.is_empty() {
        let id = |ids: &[String]| ids.first().cloned().unwrap_or_default();
        return Err(Error::data(
            format!(
                "no gene of {} is in the table of expression: one has ids like {:?}, the other \
                 like {:?}",
                genes.path.display(),
                id(&summary.without_expression),
                id(&summary.without_gene)
            ),
            "Give both with the same kind of gene id, in the table's first column",
        ));
    }
    Ok((windows, values))
}

/// Refuses genes that lie beyond the end of their chromosome.
pub(super) fn check_genome(windows: &Windows, sizes: &ChromSizes) -> Result<()> {
    let beyond = windows.list.iter().find_map(|window| {
        let size = *sizes.get(&window.chrom)?;
        let tss = window.tss.filter(|&tss| tss >= size)?;
        Some((window, tss, size))
    });
    let Some((window, tss, size)) = beyond else {
        return Ok(());
    };
    let (gene, chrom, first_base) = (&window.gene_id, &window.chrom, tss + 1);
    Err(Error::data(
        format!("gene {gene} starts at {chrom}:{first_base}, but {chrom} ends at {size}"),
        "Give an annotation of the genome assembly that the reads were aligned to",
    ))
}

/// What an epigenome is put together from.
pub(super) struct Parts<'p> {
    pub(super) name: &'p str,
    /// The windows that are kept.
    pub(super) windows: &'p Windows,
    /// Gene ids of the rows of expression and signal.
    pub(super) rows_before: &'p [String],
    pub(super) expression: &'p [f64],
    /// The expression of all genes of the table together.
    pub(super) library_size: f64,
    /// `[row, bin]`, along the genome.
    pub(super) marks: Vec<(Mark, Vec<f32>)>,
    pub(super) unit: String,
    pub(super) config: &'p PrepareConfig,
    pub(super) provenance: Provenance,
}

/// Puts an epigenome together, its bins oriented.
pub(super) fn epigenome(parts: Parts<'_>) -> Result<Epigenome> {
    let Parts {
        windows, config, ..
    } = parts;
    let bins = windows.bins.count();
    let rows = parts.rows_before.iter().enumerate();
    let rows: HashMap<&str, usize> = rows.map(|(row, id)| (id.as_str(), row)).collect();
    let mut genes = Vec::with_capacity(windows.list.len());
    let mut signal = Vec::with_capacity(windows.list.len() * parts.marks.len() * bins);
    for window in &windows.list {
        let Some(&row) = rows.get(window.gene_id.as_str()) else {
            continue;
        };
        let flip =
            config.orientation == Orientation::Strand && window.strand == Some(Strand::Reverse);
        for (_, values) in &parts.marks {
            let of_gene = &values[row * bins..][..bins];
            match flip {
                true => signal.extend(of_gene.iter().rev()),
                false => signal.extend(of_gene),
            }
        }
        genes.push(GeneRecord {
            gene_id: window.gene_id.clone(),
            gene_name: window.gene_name.clone(),
            chrom: Some(window.chrom.clone()),
            tss: window.tss,
            strand: window.strand,
            split: None,
            expression: parts.expression[row],
        });
    }
    if genes.is_empty() {
        return Err(Error::data(
            "no gene is left: every window reaches over an end of its chromosome",
            "Use --edges pad, or a smaller window",
        ));
    }
    Ok(Epigenome {
        metadata: Metadata {
            cell_type: parts.name.to_owned(),
            bin_size: windows.bins.size,
            upstream: windows.bins.upstream,
            downstream: windows.bins.downstream,
            orientation: config.orientation,
            signal_unit: parts.unit,
            expression_unit: config.expression_unit.clone(),
            library_size: Some(parts.library_size),
            genome: config.genome.clone(),
            provenance: Some(parts.provenance.to_json()),
        },
        marks: parts.marks.into_iter().map(|(mark, _)| mark).collect(),
        bins,
        genes,
        signal: signal.into(),
    })
}
