//! Gene annotation: where each gene starts, on which strand.
//!
//! The transcription start site (TSS) is the first transcribed base: the gene's
//! start on the forward strand, its end on the reverse strand, 0-based.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;
use noodles::{gff::feature::record::Strand as GffStrand, gtf};

use crate::{
    error::{Error, Place, Result},
    genome::Strand,
};

/// A gene of an annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gene {
    /// The id as written in the file, with its version if it has one.
    pub id: String,
    /// The gene symbol, where the annotation gives one.
    pub name: Option<String>,
    /// The chromosome.
    pub chrom: String,
    /// The transcription start site, bp, 0-based.
    pub tss: i64,
    /// The strand.
    pub strand: Strand,
}

/// Reads the `gene` features of a GTF file, plain or gzip-compressed.
///
/// # Errors
/// When the file cannot be read, a line is not GTF, or a gene has no `gene_id`
/// or no strand; the error names the line.
pub fn read_gtf(path: &Path) -> Result<Vec<Gene>> {
    let mut file = BufReader::new(open_maybe_gzip(path)?);
    let mut line = gtf::Line::default();
    let mut bytes = Vec::new();
    let mut genes = Vec::new();
    for number in 1_u64.. {
        let bad_line = |problem: String| {
            Error::content(
                path,
                Place::Line(number),
                "a GTF record (nine tab-separated fields, 1-based coordinates)",
                problem,
                "Give a GTF annotation such as GENCODE's",
            )
        };
        bytes.clear();
        let length = file
            .read_until(b'\n', &mut bytes)
            .map_err(|error| bad_line(error.to_string()))?;
        if length == 0 {
            break;
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        gtf::io::Reader::new(&bytes[..])
            .read_line(&mut line)
            .map_err(|error| bad_line(error.to_string()))?;
        let record = match line.as_record() {
            None => continue,
            Some(record) => record.map_err(|error| bad_line(error.to_string()))?,
        };
        if record.ty() != "gene" {
            continue;
        }
        genes.push(gene_of_record(&record).map_err(bad_line)?);
    }
    if genes.is_empty() {
        return Err(Error::content(
            path,
            Place::File,
            "lines with the feature type \"gene\"",
            "none",
            "Give a GTF annotation with gene features, such as GENCODE's",
        ));
    }
    Ok(genes)
}

fn gene_of_record(record: &gtf::Record<'_>) -> std::result::Result<Gene, String> {
    let text = |error: std::io::Error| error.to_string();
    let attributes = record.attributes().map_err(text)?;
    let attribute = |key: &str| -> std::result::Result<Option<String>, String> {
        attributes
            .get(key.as_bytes())
            .transpose()
            .map_err(text)
            .map(|value| value.and_then(|v| v.iter().next().map(ToString::to_string)))
    };
    let id = attribute("gene_id")?.ok_or("a gene without the attribute gene_id")?;
    let start = record.start().map_err(text)?.get();
    let end = record.end().map_err(text)?.get();
    if start > end {
        return Err(format!(
            "gene {id} that starts at {start} after its end {end}"
        ));
    }
    let strand = match record.strand().map_err(text)? {
        GffStrand::Forward => Strand::Forward,
        GffStrand::Reverse => Strand::Reverse,
        GffStrand::None | GffStrand::Unknown => {
            return Err(format!("gene {id} without a strand"));
        }
    };
    // GTF positions are 1-based and inclusive (GTF 2.2); ours are 0-based.
    let first_base = match strand {
        Strand::Forward => start,
        Strand::Reverse => end,
    };
    Ok(Gene {
        name: attribute("gene_name")?,
        chrom: record.reference_sequence_name().to_string(),
        tss: i64::try_from(first_base).map_err(|e| e.to_string())? - 1,
        strand,
        id,
    })
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

/// Genes by id, found whichever of the two has a version.
#[derive(Debug)]
pub struct GeneIndex<'a>(HashMap<&'a str, &'a Gene>);

impl<'a> GeneIndex<'a> {
    /// Indexes genes; the first of several with one id wins.
    pub fn new(genes: &'a [Gene]) -> Self {
        let mut index = HashMap::with_capacity(2 * genes.len());
        for gene in genes {
            index.entry(gene.id.as_str()).or_insert(gene);
            index.entry(without_version(&gene.id)).or_insert(gene);
        }
        GeneIndex(index)
    }

    /// The gene with this id, or else with this id but for the version.
    pub fn get(&self, id: &str) -> Option<&'a Gene> {
        let found = self.0.get(id).or_else(|| self.0.get(without_version(id)));
        found.copied()
    }
}

fn open_maybe_gzip(path: &Path) -> Result<Box<dyn Read>> {
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    let mut magic = [0_u8; 2];
    let mut filled = 0;
    while filled < magic.len() {
        match file.read(&mut magic[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) => return Err(Error::io("read", path)(error)),
        }
    }
    let whole = std::io::Cursor::new(magic[..filled].to_vec()).chain(file);
    Ok(if filled == 2 && magic == [0x1f, 0x8b] {
        Box::new(MultiGzDecoder::new(BufReader::new(whole)))
    } else {
        Box::new(whole)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gtf(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn tss_is_the_first_transcribed_base() {
        let file = gtf(concat!(
            "##description: two genes\n",
            "\n",
            "chr1\tHAVANA\tgene\t101\t200\t.\t+\t.\tgene_id \"G1.3\"; gene_name \"PLUS\";\n",
            "chr1\tHAVANA\texon\t101\t150\t.\t+\t.\tgene_id \"G1.3\";\n",
            "chr2\tHAVANA\tgene\t101\t200\t.\t-\t.\tgene_id \"G2.1\"; gene_name \"MINUS\";\n",
        ));
        let genes = read_gtf(file.path()).unwrap();
        assert_eq!(genes.len(), 2);
        assert_eq!((genes[0].tss, genes[0].strand), (100, Strand::Forward));
        assert_eq!((genes[1].tss, genes[1].strand), (199, Strand::Reverse));
        let index = GeneIndex::new(&genes);
        let name = |id: &str| index.get(id).and_then(|gene| gene.name.as_deref());
        assert_eq!(name("G1"), Some("PLUS"));
        assert_eq!(name("G2.1"), Some("MINUS"));
        assert_eq!(name("G2.9"), Some("MINUS"));
        assert_eq!(name("G3"), None);
    }

    #[test]
    fn gene_without_id_names_its_line() {
        let file = gtf("chr1\tX\tgene\t1\t2\t.\t+\t.\tgene_name \"A\";\n");
        let message = read_gtf(file.path()).unwrap_err().to_string();
        assert!(message.contains("line 1"), "{message}");
        assert!(message.contains("gene_id"), "{message}");
    }

    #[test]
    fn versions_are_digits_after_the_last_dot() {
        assert_eq!(without_version("ENSG00000139618.15"), "ENSG00000139618");
        assert_eq!(without_version("AC005895.x"), "AC005895.x");
    }
}
