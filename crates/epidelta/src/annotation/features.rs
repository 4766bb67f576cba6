//! GTF and GFF3: features on lines of nine fields, 1-based and inclusive, which
//! differ in how they write attributes and name their parents.

use std::{collections::HashMap, path::Path};

use noodles::{
    gff::{self, feature::record::Attributes, feature::record::Strand as GffStrand},
    gtf,
};

use super::{AnnotationFormat, Gene, TssRule};
use crate::{
    bed::is_comment,
    error::{Error, Place, Result},
    genome::{LARGEST_POSITION, Strand},
    input::{Lines, excerpt},
    provenance::Source,
};

/// What a feature is, as far as genes are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Gene,
    Transcript,
    Exon,
}

/// A gene, or a part of one.
#[derive(Debug)]
struct Feature {
    kind: Kind,
    gene: Gene,
    /// In GFF3, the feature's own id, by which its parts name it.
    id: Option<String>,
    /// In GFF3, the id of what it is a part of.
    parent: Option<String>,
    /// How canonical a transcript is; smaller is more so.
    rank: usize,
}

/// Tags of the canonical transcript, the most decisive first; NCBI writes them with
/// spaces.
const CANONICAL: [&str; 4] = [
    "MANE_Select",
    "Ensembl_canonical",
    "RefSeq_Select",
    "appris_principal",
];

type Numbered = (u64, Gene);

/// The genes of a file.
pub(super) struct Read {
    /// With the lines that they stand on.
    pub(super) genes: Vec<Numbered>,
    pub(super) source: Source,
    /// Whether they are what their parts span, as the file has no gene features.
    pub(super) spanned: bool,
}

/// Reads the genes with the lines that they stand on.
pub(super) fn read_genes(path: &Path, format: AnnotationFormat, rule: TssRule) -> Result<Read> {
    // Parts of genes are read only where they tell something.
    let first = match rule {
        TssRule::Gene => Kind::Gene,
        TssRule::Transcript => Kind::Transcript,
    };
    let (features, source) = read_features(path, format, first)?;
    if features.iter().any(|(_, f)| f.kind == Kind::Gene) {
        return Ok(Read {
            genes: annotated_genes(features, rule),
            source,
            spanned: false,
        });
    }
    for smallest in [Kind::Transcript, Kind::Exon] {
        let (features, _) = read_features(path, format, smallest)?;
        if !features.is_empty() {
            return Ok(Read {
                genes: spanned_genes(features, rule),
                source,
                spanned: true,
            });
        }
    }
    Ok(Read {
        genes: Vec::new(),
        source,
        spanned: false,
    })
}

fn read_features(
    path: &Path,
    format: AnnotationFormat,
    smallest: Kind,
) -> Result<(Vec<(u64, Feature)>, Source)> {
    let mut lines = Lines::open_small(path)?;
    let mut gtf_line = gtf::Line::default();
    let mut gff_line = gff::Line::default();
    let mut features = Vec::new();
    while let Some((number, bytes)) = lines.next_line()? {
        if bytes.trim_ascii().is_empty() || is_comment(bytes) {
            if bytes.trim_ascii_end() == b"##FASTA" {
                break;
            }
            continue;
        }
        if format == AnnotationFormat::Gff3 && bytes.starts_with(b">") {
            // Sequences may follow the features.
            break;
        }
        let feature = match format {
            AnnotationFormat::Gff3 => gff3_feature(bytes, &mut gff_line, smallest),
            _ => gtf_feature(bytes, &mut gtf_line, smallest),
        };
        match feature {
            Ok(None) => (),
            Ok(Some(feature)) => features.push((number, feature)),
            Err(problem) => {
                let name = match format {
                    AnnotationFormat::Gff3 => "GFF3",
                    _ => "GTF",
                };
                return Err(Error::content(
                    path,
                    Place::Line(number),
                    format!("a {name} record (nine tab-separated fields, 1-based coordinates)"),
                    format!("{problem}: {}", excerpt(bytes)),
                    format!("Give a {name} annotation such as GENCODE's"),
                ));
            }
        }
    }
    Ok((features, lines.finish("annotation")?))
}

type Parsed<T> = std::result::Result<T, String>;

fn text(error: std::io::Error) -> String {
    error.to_string()
}

fn gtf_feature(bytes: &[u8], line: &mut gtf::Line, smallest: Kind) -> Parsed<Option<Feature>> {
    gtf::io::Reader::new(bytes).read_line(line).map_err(text)?;
    let Some(record) = line.as_record() else {
        return Ok(None);
    };
    let record = record.map_err(text)?;
    let kind = match record.ty().as_ref() as &[u8] {
        b"gene" => Kind::Gene,
        b"transcript" => Kind::Transcript,
        b"exon" => Kind::Exon,
        _ => return Ok(None),
    };
    if kind > smallest {
        return Ok(None);
    }
    let attributes = record.attributes().map_err(text)?;
    let get = |key: &str| attribute(&attributes, key);
    let id = get("gene_id")?.ok_or("a feature without the attribute gene_id")?;
    let named = Named {
        kind,
        name: get("gene_name")?,
        gene_type: get("gene_type")?.or(get("gene_biotype")?),
        id,
        own: None,
        parent: None,
    };
    placed(&record, &attributes, named)
}

fn gff3_feature(bytes: &[u8], line: &mut gff::Line, smallest: Kind) -> Parsed<Option<Feature>> {
    gff::io::Reader::new(bytes).read_line(line).map_err(text)?;
    let Some(record) = line.as_record() else {
        return Ok(None);
    };
    let record = record.map_err(text)?;
    let attributes = record.attributes();
    let get = |key: &str| attribute(&attributes, key);
    let (own, parent) = (get("ID")?, get("Parent")?);
    let ty = record.ty();
    let ty: &[u8] = ty.as_ref();
    // Types are terms of the Sequence Ontology: `gene`, `ncRNA_gene`, `pseudogene`;
    // whatever is a direct part of a gene is a transcript.
    let kind = if ty.ends_with(b"gene") && parent.is_none() {
        Kind::Gene
    } else if parent.is_some() && own.is_some() && ty != b"exon" && ty != b"CDS" {
        Kind::Transcript
    } else if ty == b"exon" {
        Kind::Exon
    } else {
        return Ok(None);
    };
    if kind > smallest {
        return Ok(None);
    }
    let id = match get("gene_id")? {
        Some(id) => id,
        None if kind == Kind::Gene => {
            let id = own
                .clone()
                .ok_or("a gene without the attributes gene_id and ID")?;
            // Ensembl writes `gene:ENSG...`, NCBI `gene-SYMBOL`.
            let bare = ["gene:", "gene-"].iter().find_map(|p| id.strip_prefix(p));
            bare.map_or(id.clone(), str::to_owned)
        }
        None => parent.clone().unwrap_or_default(),
    };
    let named = Named {
        kind,
        name: get("gene_name")?.or(get("Name")?),
        gene_type: get("gene_type")?
            .or(get("biotype")?)
            .or(get("gene_biotype")?),
        id,
        own,
        parent,
    };
    placed(&record, &attributes, named)
}

/// What the attributes of a feature say of it, in either format.
struct Named {
    kind: Kind,
    id: String,
    name: Option<String>,
    gene_type: Option<String>,
    own: Option<String>,
    parent: Option<String>,
}

/// A feature with the place that its record gives it; none for parts without strand,
/// such as assembled transcripts of a single exon.
fn placed(
    record: &dyn gff::feature::Record,
    attributes: &dyn Attributes,
    named: Named,
) -> Parsed<Option<Feature>> {
    let strand = match record.strand().map_err(text)? {
        GffStrand::None | GffStrand::Unknown if named.kind != Kind::Gene => return Ok(None),
        known => strand(known, &named.id)?,
    };
    let gene = Gene {
        id: named.id,
        name: named.name,
        gene_type: named.gene_type,
        chrom: record.reference_sequence_name().to_string(),
        tss: 0,
        strand,
    };
    let start = record.feature_start().map_err(text)?;
    let end = record.feature_end().map_err(text)?;
    Ok(Some(Feature {
        kind: named.kind,
        gene: with_tss(gene, start.get(), end.get())?,
        id: named.own,
        parent: named.parent,
        rank: rank(attributes)?,
    }))
}

fn attribute(attributes: &dyn Attributes, key: &str) -> Parsed<Option<String>> {
    let value = attributes.get(key.as_bytes()).transpose().map_err(text)?;
    let first = value.and_then(|value| value.iter().next().map(|v| v.map(|v| v.to_string())));
    first.transpose().map_err(text)
}

/// Place of the first tag that makes a transcript canonical; past the last if
/// there is none.
fn rank(attributes: &dyn Attributes) -> Parsed<usize> {
    let mut best = CANONICAL.len();
    if let Some(value) = attributes.get(b"tag").transpose().map_err(text)? {
        for tag in value.iter() {
            let tag = tag.map_err(text)?.to_string().replace(' ', "_");
            let place = CANONICAL.iter().position(|known| tag.starts_with(known));
            best = best.min(place.unwrap_or(best));
        }
    }
    Ok(best)
}

fn strand(found: GffStrand, id: &str) -> Parsed<Strand> {
    match found {
        GffStrand::Forward => Ok(Strand::Forward),
        GffStrand::Reverse => Ok(Strand::Reverse),
        GffStrand::None | GffStrand::Unknown => Err(format!("gene {id} without a strand")),
    }
}

/// Fills in the first transcribed base. Positions of GTF and GFF3 are 1-based and
/// inclusive; ours are 0-based.
fn with_tss(mut gene: Gene, start: usize, end: usize) -> Parsed<Gene> {
    if start > end {
        let id = &gene.id;
        return Err(format!(
            "gene {id} that starts at {start} after its end {end}"
        ));
    }
    let first_base = match gene.strand {
        Strand::Forward => start,
        Strand::Reverse => end,
    };
    let first_base = i64::try_from(first_base).unwrap_or(i64::MAX);
    if first_base > LARGEST_POSITION {
        let id = &gene.id;
        return Err(format!(
            "gene {id} at position {first_base}, past the end of any chromosome"
        ));
    }
    gene.tss = first_base - 1;
    Ok(gene)
}

/// Whether a TSS lies upstream of another one on the same strand.
fn is_upstream(strand: Strand, tss: i64, of: i64) -> bool {
    match strand {
        Strand::Forward => tss < of,
        Strand::Reverse => tss > of,
    }
}

/// The gene features, their TSS moved to a transcript's if the rule says so.
fn annotated_genes(features: Vec<(u64, Feature)>, rule: TssRule) -> Vec<Numbered> {
    let (mut genes, transcripts): (Vec<_>, Vec<_>) = features
        .into_iter()
        .partition(|(_, feature)| feature.kind == Kind::Gene);
    if rule == TssRule::Transcript {
        // In GFF3 a transcript names its gene by the gene's own id.
        let key = |gene: &Feature| gene.id.clone().unwrap_or_else(|| gene.gene.id.clone());
        let mut best: HashMap<(String, &str), (usize, i64)> = HashMap::new();
        for (_, transcript) in transcripts {
            let gene = transcript.parent.unwrap_or(transcript.gene.id);
            let found = (transcript.rank, transcript.gene.tss);
            let strand = transcript.gene.strand;
            best.entry((gene, strand.symbol()))
                .and_modify(|kept| {
                    let upstream = is_upstream(strand, found.1, kept.1);
                    if found.0 < kept.0 || found.0 == kept.0 && upstream {
                        *kept = found;
                    }
                })
                .or_insert(found);
        }
        for (_, gene) in &mut genes {
            if let Some(&(_, tss)) = best.get(&(key(gene), gene.gene.strand.symbol())) {
                gene.gene.tss = tss;
            }
        }
    }
    let genes = genes.into_iter();
    genes.map(|(line, feature)| (line, feature.gene)).collect()
}

/// The genes that transcripts or exons span, where the annotation has no gene
/// features: the parts of one id on one strand of one chromosome. By the rule for
/// transcripts, the most canonical one comes before the most upstream one.
fn spanned_genes(features: Vec<(u64, Feature)>, rule: TssRule) -> Vec<Numbered> {
    let mut genes: Vec<(usize, Numbered)> = Vec::new();
    let mut rows: HashMap<(String, String, &str), usize> = HashMap::new();
    for (line, Feature { gene, rank, .. }) in features {
        let rank = match rule {
            TssRule::Gene => 0,
            TssRule::Transcript => rank,
        };
        let key = (gene.id.clone(), gene.chrom.clone(), gene.strand.symbol());
        match rows.get(&key) {
            Some(&row) => {
                let (best, (_, known)) = &mut genes[row];
                let upstream = is_upstream(gene.strand, gene.tss, known.tss);
                if rank < *best || rank == *best && upstream {
                    (*best, known.tss) = (rank, gene.tss);
                }
            }
            None => {
                rows.insert(key, genes.len());
                genes.push((rank, (line, gene)));
            }
        }
    }
    genes.into_iter().map(|(_, gene)| gene).collect()
}
