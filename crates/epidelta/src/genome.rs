//! Genomic vocabulary: strands. Positions are 0-based everywhere inside
//! epidelta; readers convert once, where a file is read.

use std::str::FromStr;

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

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "+" => Ok(Strand::Forward),
            "-" => Ok(Strand::Reverse),
            other => Err(format!("{other:?} is not a strand (\"+\" or \"-\")")),
        }
    }
}
