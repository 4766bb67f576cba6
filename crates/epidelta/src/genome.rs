//! Genomic vocabulary: strands and chromosomes. Positions are 0-based everywhere
//! inside epidelta; readers convert once, where a file is read.

use std::{collections::BTreeMap, path::Path, str::FromStr};

use crate::{
    error::{Error, Place, Result},
    input::{Lines, excerpt},
    provenance::Source,
};

/// The strand a gene is transcribed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strand {
    /// `+`: transcription runs towards larger positions.
    Forward,
    /// `-`: transcription runs towards smaller positions.
    Reverse,
}

impl Strand {
    /// The symbol used in GTF, BED and `epigenome.parquet`.
    pub fn symbol(self) -> &'static str {
        match self {
            Strand::Forward => "+",
            Strand::Reverse => "-",
        }
    }
}

impl FromStr for Strand {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "+" => Ok(Strand::Forward),
            "-" => Ok(Strand::Reverse),
            other => Err(format!("{other:?} is not a strand (\"+\" or \"-\")")),
        }
    }
}

/// Lengths of chromosomes, bp, by name.
pub type ChromSizes = BTreeMap<String, i64>;

/// Reads a table of chromosome sizes: name and length in bp, without header, as
/// UCSC's `chrom.sizes`; the first two columns of a FASTA index (.fai) are the
/// same.
///
/// # Errors
/// When the file cannot be read or a line is something else.
pub fn read_chrom_sizes(path: &Path) -> Result<(ChromSizes, Source)> {
    let mut lines = Lines::open_small(path)?;
    let mut sizes = ChromSizes::new();
    while let Some((number, line)) = lines.next_line()? {
        if line.trim_ascii().is_empty() || line.starts_with(b"#") {
            continue;
        }
        let mut fields = line.split(|&byte| byte == b'\t');
        let name = fields
            .next()
            .and_then(|name| std::str::from_utf8(name).ok());
        let size = fields
            .next()
            .and_then(|size| std::str::from_utf8(size).ok());
        let size = size.and_then(|size| size.trim().parse::<u32>().ok());
        match (name, size) {
            (Some(name), Some(size)) if !name.is_empty() => {
                sizes.insert(name.to_owned(), i64::from(size));
            }
            _ => {
                return Err(Error::content(
                    path,
                    Place::Line(number),
                    "a chromosome's name and its length in bp, separated by a tab",
                    excerpt(line),
                    "Give a table such as UCSC's hg38.chrom.sizes",
                ));
            }
        }
    }
    if sizes.is_empty() {
        return Err(Error::content(
            path,
            Place::File,
            "chromosome names and lengths",
            "none",
            "Give a table such as UCSC's hg38.chrom.sizes",
        ));
    }
    Ok((sizes, lines.finish("chromosome sizes")?))
}

/// The largest position that is believed: no chromosome known is longer, and the
/// formats of reads hold 32 bits.
pub(crate) const LARGEST_POSITION: i64 = u32::MAX as i64;

/// What is common to the customary names of a chromosome: `1` of `chr1` and `1`,
/// `MT` of `chrM`, `chrMT`, `M` and `MT`.
pub fn bare_name(chrom: &str) -> &str {
    match chrom.strip_prefix("chr").unwrap_or(chrom) {
        "M" | "MT" => "MT",
        // A name that is nothing but the prefix stays as it is.
        "" => chrom,
        bare => bare,
    }
}

/// The name by which one list of chromosomes knows a chromosome of another: the
/// very name, or else the only one that is the same but for the custom.
pub fn same_chrom<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let mut customary = None;
    let mut several = false;
    for known in names {
        if known == name {
            return Some(known);
        }
        if bare_name(known) == bare_name(name) {
            several = customary.is_some();
            customary = Some(known);
        }
    }
    customary.filter(|_| !several)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chromosomes_have_several_customary_names() {
        let same = |name, names: &[&'static str]| same_chrom(name, names.iter().copied());
        assert_eq!(same("1", &["chr1", "chr11"]), Some("chr1"));
        assert_eq!(same("chrM", &["1", "MT"]), Some("MT"));
        assert_eq!(same("M", &["chrM"]), Some("chrM"));
        assert_eq!(same("chr1", &["1", "chr1"]), Some("chr1"));
        assert_eq!(same("chrMT", &["M", "MT"]), None);
        assert_eq!(same("chr2", &["chr1"]), None);
    }

    #[test]
    fn sizes_are_read_and_lines_told() {
        let read = |text: &str| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
            read_chrom_sizes(file.path()).map(|(sizes, _)| sizes)
        };
        // A FASTA index has more columns.
        let sizes = read("# sizes\nchr1\t100\nchr2\t90\t7\t60\t61\n").unwrap();
        assert_eq!((sizes["chr1"], sizes["chr2"]), (100, 90));
        let message = read("chr1\t100\nchr2 90\n").unwrap_err().to_string();
        assert!(message.contains("line 2"), "{message}");
        assert!(read("").is_err());
    }
}
