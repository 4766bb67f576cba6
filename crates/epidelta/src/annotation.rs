//! Gene annotation: where each gene starts, on which strand.
//!
//! The transcription start site (TSS) is the first transcribed base: the gene's
//! start on the forward strand, its end on the reverse strand, 0-based.
//! [`read_genes`] takes GTF, GFF3 and BED, plain or compressed; [`read_regions`]
//! the rows of a BED file as they are.

mod bed;
mod features;

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    path::Path,
};

use crate::{
    bed::is_comment,
    error::{Error, Place, Result},
    genome::Strand,
    input::first_bytes,
    provenance::Source,
};

pub use bed::{Region, read_regions};

/// A gene of an annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gene {
    /// The id as written in the file, with its version if it has one.
    pub id: String,
    /// The gene symbol, where the annotation gives one.
    pub name: Option<String>,
    /// The kind of gene (`protein_coding`, `lncRNA`), where the annotation tells.
    pub gene_type: Option<String>,
    /// The chromosome.
    pub chrom: String,
    /// The transcription start site, bp, 0-based.
    pub tss: i64,
    /// The strand.
    pub strand: Strand,
}

/// Which of a gene's starts is its TSS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TssRule {
    /// The start of the gene as annotated, which is that of its outermost
    /// transcript.
    #[default]
    Gene,
    /// The start of the canonical transcript (tagged `MANE_Select`,
    /// `Ensembl_canonical` or `appris_principal...`, in this order), or else of
    /// the most upstream one.
    Transcript,
}

impl TssRule {
    /// The name used on the command line: `gene`, `transcript`.
    pub fn name(self) -> &'static str {
        match self {
            TssRule::Gene => "gene",
            TssRule::Transcript => "transcript",
        }
    }
}

/// The format of an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnotationFormat {
    /// Gene transfer format (GTF 2.2), as GENCODE's and Ensembl's.
    Gtf,
    /// General feature format version 3.
    Gff3,
    /// A BED row per gene: chromosome, start, end, id, score, strand.
    Bed,
    /// A BED row per window: chromosome, start, end and a name that begins with
    /// the gene id (`ENSG00000130749_ZC3H4`), as published with DeepDiff.
    Windows,
}

impl AnnotationFormat {
    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            AnnotationFormat::Gtf => "gtf",
            AnnotationFormat::Gff3 => "gff3",
            AnnotationFormat::Bed => "bed",
            AnnotationFormat::Windows => "windows",
        }
    }

    /// The format of a file, by its name or else its first lines. BED rows that
    /// are all `window` bp wide are windows, if such are wanted, other ones genes.
    ///
    /// # Errors
    /// When the file cannot be read, or tells neither by name nor by content.
    pub fn detect(path: &Path, window: Option<u64>) -> Result<Self> {
        let name = path.to_string_lossy().to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let name = name.strip_suffix(".bgz").unwrap_or(name);
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        if ends(&[".gtf"]) {
            return Ok(AnnotationFormat::Gtf);
        }
        if ends(&[".gff", ".gff3"]) {
            return Ok(AnnotationFormat::Gff3);
        }
        let head = first_bytes(path, 1 << 16)?;
        let text = String::from_utf8_lossy(&head);
        let line = text.lines().find(|line| !is_comment(line.as_bytes()));
        let fields = line.map_or(0, |line| line.split('\t').count());
        if ends(&[".bed"]) || (3..=8).contains(&fields) {
            return match bed::common_width(path)? {
                Some((width, _)) if Some(width) == window => Ok(AnnotationFormat::Windows),
                // Genes are not all of one length.
                Some((width, rows)) if window.is_some() && rows >= MANY_ROWS => {
                    Err(Error::content(
                        path,
                        Place::File,
                        "genes, or windows as wide as --upstream and --downstream together",
                        format!("{rows} rows that are all {width} bp wide"),
                        "If they are windows, set --upstream and --downstream; if they are genes, add \
                     --genes-format bed",
                    ))
                }
                _ => Ok(AnnotationFormat::Bed),
            };
        }
        match line {
            Some(line) if fields == 9 && line.contains("gene_id \"") => Ok(AnnotationFormat::Gtf),
            Some(line) if fields == 9 && line.contains('=') => Ok(AnnotationFormat::Gff3),
            _ => Err(Error::content(
                path,
                Place::File,
                "an annotation: GTF, GFF3 or BED, plain or gzip",
                "something else",
                "Give a file named .gtf, .gff3 or .bed (or .gz of these), such as GENCODE's",
            )),
        }
    }
}

/// Rows of one width that cannot be genes by chance.
const MANY_ROWS: usize = 20;

/// The genes of an annotation and how they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The genes, in the order of the file.
    pub genes: Vec<Gene>,
    /// Ids that stood twice at the same place, kept once.
    pub repeated: Vec<String>,
    /// Ids whose transcripts or exons lie at several places of an annotation
    /// without gene features (UCSC's), so that where the gene is cannot be told; left
    /// out.
    pub at_several_places: Vec<String>,
    /// The file.
    pub source: Source,
}

/// Reads the genes of a GTF, GFF3 or BED file, plain or compressed.
///
/// An annotation without gene features (UCSC's) has the genes that its
/// transcripts or, without these too, its exons span.
///
/// # Errors
/// When the file cannot be read, a line breaks the format, or a gene has no id,
/// no strand, or stands at two places; the error names the line.
pub fn read_genes(path: &Path, format: AnnotationFormat, rule: TssRule) -> Result<Annotation> {
    let (genes, source, spanned) = match format {
        AnnotationFormat::Gtf | AnnotationFormat::Gff3 => {
            let read = features::read_genes(path, format, rule)?;
            (read.genes, read.source, read.spanned)
        }
        AnnotationFormat::Bed | AnnotationFormat::Windows => {
            let (genes, source) = bed::read_genes(path)?;
            (genes, source, false)
        }
    };
    if genes.is_empty() {
        return Err(Error::content(
            path,
            Place::File,
            "genes",
            "none",
            "Give a GTF, GFF3 or BED annotation with genes, such as GENCODE's",
        ));
    }
    let mut annotation = Annotation {
        genes: Vec::with_capacity(genes.len()),
        repeated: Vec::new(),
        at_several_places: Vec::new(),
        source,
    };
    let mut seen: HashMap<String, (usize, u64)> = HashMap::with_capacity(genes.len());
    let mut several: BTreeSet<String> = BTreeSet::new();
    for (line, gene) in genes {
        match seen.entry(gene.id.clone()) {
            Entry::Vacant(entry) => {
                entry.insert((annotation.genes.len(), line));
                annotation.genes.push(gene);
            }
            Entry::Occupied(entry) => {
                let (row, first_line) = *entry.get();
                let first = &annotation.genes[row];
                let place = |gene: &Gene| (gene.chrom.clone(), gene.tss, gene.strand);
                if place(first) == place(&gene) {
                    annotation.repeated.push(gene.id);
                } else if spanned {
                    several.insert(gene.id);
                } else {
                    return Err(two_places(path, line, &gene, first, first_line));
                }
            }
        }
    }
    annotation.genes.retain(|gene| !several.contains(&gene.id));
    annotation.at_several_places = several.into_iter().collect();
    Ok(annotation)
}

fn two_places(path: &Path, line: u64, gene: &Gene, first: &Gene, first_line: u64) -> Error {
    Error::content(
        path,
        Place::Line(line),
        "each gene at one place",
        format!(
            "gene {} with its TSS at {}:{}, which line {first_line} has at {}:{}",
            gene.id,
            gene.chrom,
            gene.tss + 1,
            first.chrom,
            first.tss + 1
        ),
        "Remove or rename one of the two",
    )
}

impl Annotation {
    /// Keeps the genes of the given types only; all of them when none is given.
    ///
    /// # Errors
    /// When no gene is of one of these types.
    pub fn retain_types(&mut self, path: &Path, types: &[String]) -> Result<()> {
        if types.is_empty() {
            return Ok(());
        }
        let found: BTreeSet<String> = self
            .genes
            .iter()
            .filter_map(|gene| gene.gene_type.clone())
            .collect();
        if let Some(missing) = types.iter().find(|&wanted| !found.contains(wanted)) {
            let list: Vec<&str> = found.iter().map(String::as_str).collect();
            return Err(Error::content(
                path,
                Place::File,
                format!("genes of type {missing:?}"),
                match list.is_empty() {
                    true => "no gene types at all".to_owned(),
                    false => format!("the types {}", list.join(", ")),
                },
                "Choose --gene-type among these, or leave it out to take all genes",
            ));
        }
        self.genes.retain(|gene| {
            let of_gene = gene.gene_type.as_ref();
            of_gene.is_some_and(|found| types.contains(found))
        });
        Ok(())
    }
}

/// The id without its version: `ENSG00000139618.15` is `ENSG00000139618`.
pub fn without_version(id: &str) -> &str {
    match id.rsplit_once('.') {
        Some((stem, version))
            if !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()) =>
        {
            stem
        }
        _ => id,
    }
}

/// Genes by id, found whichever of the two has a version, unless several genes
/// differ in the version only.
#[derive(Debug)]
pub struct GeneIndex<'a> {
    by_id: HashMap<&'a str, &'a Gene>,
    by_stem: HashMap<&'a str, Option<&'a Gene>>,
}

impl<'a> GeneIndex<'a> {
    /// Indexes genes; the first of several with one id wins.
    pub fn new(genes: &'a [Gene]) -> Self {
        let mut by_id = HashMap::with_capacity(genes.len());
        let mut by_stem = HashMap::with_capacity(genes.len());
        for gene in genes {
            by_id.entry(gene.id.as_str()).or_insert(gene);
            by_stem
                .entry(without_version(&gene.id))
                .and_modify(|known| *known = None)
                .or_insert(Some(gene));
        }
        GeneIndex { by_id, by_stem }
    }

    /// The gene with this id, or else with this id but for the version.
    pub fn get(&self, id: &str) -> Option<&'a Gene> {
        let by_stem = || self.by_stem.get(without_version(id)).copied().flatten();
        self.by_id.get(id).copied().or_else(by_stem)
    }
}

/// Reads the genes of a GTF, GFF3 or BED file whose format shows by itself.
///
/// # Errors
/// As [`read_genes`].
pub fn read_annotation(path: &Path) -> Result<Annotation> {
    let format = AnnotationFormat::detect(path, None)?;
    read_genes(path, format, TssRule::Gene)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn annotation(format: AnnotationFormat, rule: TssRule, text: &str) -> Result<Annotation> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        read_genes(file.path(), format, rule)
    }

    fn gtf(text: &str) -> Result<Annotation> {
        annotation(AnnotationFormat::Gtf, TssRule::Gene, text)
    }

    const TWO_GENES: &str = concat!(
        "##description: two genes\n",
        "\n",
        "chr1\tHAVANA\tgene\t101\t200\t.\t+\t.\tgene_id \"G1.3\"; gene_name \"PLUS\"; gene_type \"lncRNA\";\n",
        "chr1\tHAVANA\ttranscript\t101\t200\t.\t+\t.\tgene_id \"G1.3\"; transcript_id \"T1\";\n",
        "chr1\tHAVANA\ttranscript\t121\t200\t.\t+\t.\tgene_id \"G1.3\"; transcript_id \"T2\"; tag \"basic\"; tag \"Ensembl_canonical\";\n",
        "chr1\tHAVANA\texon\t101\t150\t.\t+\t.\tgene_id \"G1.3\";\n",
        "chr2\tHAVANA\tgene\t101\t200\t.\t-\t.\tgene_id \"G2.1\"; gene_name \"MINUS\"; gene_biotype \"protein_coding\";\n",
        "chr2\tHAVANA\ttranscript\t101\t190\t.\t-\t.\tgene_id \"G2.1\"; transcript_id \"T3\";\n",
        "chr2\tHAVANA\ttranscript\t101\t180\t.\t-\t.\tgene_id \"G2.1\"; transcript_id \"T4\";\n",
    );

    fn places(annotation: &Annotation) -> Vec<(&str, i64, Strand)> {
        let genes = annotation.genes.iter();
        genes.map(|g| (g.id.as_str(), g.tss, g.strand)).collect()
    }

    #[test]
    fn tss_is_the_first_transcribed_base() {
        let read = gtf(TWO_GENES).unwrap();
        let expected = [
            ("G1.3", 100, Strand::Forward),
            ("G2.1", 199, Strand::Reverse),
        ];
        assert_eq!(places(&read), expected);
        let index = GeneIndex::new(&read.genes);
        let name = |id: &str| index.get(id).and_then(|gene| gene.name.as_deref());
        assert_eq!(name("G1"), Some("PLUS"));
        assert_eq!(name("G2.1"), Some("MINUS"));
        assert_eq!(name("G2.9"), Some("MINUS"));
        assert_eq!(name("G3"), None);
    }

    #[test]
    fn tss_of_the_canonical_or_the_most_upstream_transcript() {
        let read = annotation(AnnotationFormat::Gtf, TssRule::Transcript, TWO_GENES).unwrap();
        let expected = [
            ("G1.3", 120, Strand::Forward),
            ("G2.1", 189, Strand::Reverse),
        ];
        assert_eq!(places(&read), expected);
    }

    #[test]
    fn gff3_says_the_same() {
        let text = concat!(
            "##gff-version 3\n",
            "1\tens\tchromosome\t1\t1000\t.\t.\t.\tID=chromosome:1\n",
            "1\tens\tgene\t101\t200\t.\t+\t.\tID=gene:G1;Name=PLUS;biotype=lncRNA;gene_id=G1\n",
            "1\tens\tmRNA\t121\t200\t.\t+\t.\tID=transcript:T2;Parent=gene:G1;tag=basic,Ensembl_canonical\n",
            "1\tens\tmRNA\t101\t200\t.\t+\t.\tID=transcript:T1;Parent=gene:G1;tag=basic\n",
            "1\tens\texon\t101\t200\t.\t+\t.\tParent=transcript:T1\n",
            "2\tens\tncRNA_gene\t101\t200\t.\t-\t.\tID=gene:G2;biotype=miRNA;gene_id=G2\n",
            "##FASTA\n",
            ">1\n",
            "ACGT\n",
        );
        let read = annotation(AnnotationFormat::Gff3, TssRule::Gene, text).unwrap();
        let expected = [("G1", 100, Strand::Forward), ("G2", 199, Strand::Reverse)];
        assert_eq!(places(&read), expected);
        assert_eq!(read.genes[0].name.as_deref(), Some("PLUS"));
        assert_eq!(read.genes[1].gene_type.as_deref(), Some("miRNA"));
        let read = annotation(AnnotationFormat::Gff3, TssRule::Transcript, text).unwrap();
        let expected = [("G1", 120, Strand::Forward), ("G2", 199, Strand::Reverse)];
        assert_eq!(places(&read), expected);
    }

    #[test]
    fn genes_of_an_annotation_without_gene_features() {
        let text = concat!(
            "chr1\tref\texon\t301\t400\t.\t-\t.\tgene_id \"A\"; transcript_id \"T\";\n",
            "chr1\tref\texon\t101\t200\t.\t-\t.\tgene_id \"A\"; transcript_id \"T\";\n",
        );
        let read = gtf(text).unwrap();
        assert_eq!(places(&read), [("A", 399, Strand::Reverse)]);
    }

    #[test]
    fn bed_genes_have_a_strand() {
        let text = "track name=x\nchr1\t100\t200\tG1\t0\t+\nchr1\t100\t200\tG2\t0\t-\n";
        let read = annotation(AnnotationFormat::Bed, TssRule::Gene, text).unwrap();
        let expected = [("G1", 100, Strand::Forward), ("G2", 199, Strand::Reverse)];
        assert_eq!(places(&read), expected);
        let bad = annotation(AnnotationFormat::Bed, TssRule::Gene, "chr1\t1\t2\tG\n");
        let message = bad.unwrap_err().to_string();
        assert!(
            message.contains("line 1") && message.contains("strand"),
            "{message}"
        );
    }

    #[test]
    fn types_choose_genes() {
        let mut read = gtf(TWO_GENES).unwrap();
        let bad = read.retain_types(Path::new("x.gtf"), &["coding".into()]);
        let message = bad.unwrap_err().to_string();
        assert!(message.contains("lncRNA, protein_coding"), "{message}");
        read.retain_types(Path::new("x.gtf"), &["lncRNA".into()])
            .unwrap();
        assert_eq!(read.genes.len(), 1);
    }

    #[test]
    fn gene_without_id_names_its_line() {
        let message = gtf("chr1\tX\tgene\t1\t2\t.\t+\t.\tgene_name \"A\";\n")
            .unwrap_err()
            .to_string();
        assert!(message.contains("line 1"), "{message}");
        assert!(message.contains("gene_id"), "{message}");
    }

    #[test]
    fn gene_at_two_places_names_both_lines() {
        let gene = |start: u32| format!("chr1\tX\tgene\t{start}\t900\t.\t+\t.\tgene_id \"A\";\n");
        let same = gtf(&(gene(5) + &gene(5))).unwrap();
        assert_eq!((same.genes.len(), same.repeated.len()), (1, 1));
        let message = gtf(&(gene(5) + &gene(6))).unwrap_err().to_string();
        assert!(
            message.contains("line 2") && message.contains("line 1"),
            "{message}"
        );
    }

    #[test]
    fn versions_are_digits_after_the_last_dot() {
        assert_eq!(without_version("ENSG00000139618.15"), "ENSG00000139618");
        assert_eq!(without_version("AC005895.x"), "AC005895.x");
    }
}
