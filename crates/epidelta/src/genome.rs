//! Genomic vocabulary: strands and chromosomes. Positions are 0-based everywhere
//! inside epidelta; readers convert once, where a file is read.

use std::{collections::BTreeMap, num::NonZero, path::Path, str::FromStr};

use crate::{
    error::{Error, Place, Result},
    input::{Lines, Meter, excerpt},
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
    let mut lines = Lines::open(path, &Meter::default(), NonZero::<usize>::MIN)?;
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

/// The other customary name of a chromosome: `chr1` of `1`, `1` of `chr1`, `MT`
/// of `chrM`, `chrM` of `MT` and `M`.
pub fn other_name(chrom: &str) -> String {
    match chrom {
        "MT" | "M" => "chrM".into(),
        "chrM" | "chrMT" => "MT".into(),
        name => match name.strip_prefix("chr") {
            Some(bare) => bare.into(),
            None => format!("chr{name}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chromosomes_have_two_customary_names() {
        for (name, other) in [("1", "chr1"), ("chrX", "X"), ("MT", "chrM"), ("chrM", "MT")] {
            assert_eq!(other_name(name), other);
        }
    }
}
