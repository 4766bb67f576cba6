//! What a container says of how its numbers are written.

use std::{borrow::Cow, io};

use super::container::{byte, itf8, part, wrong};

/// Bases, and features by which reads differ from the reference, of a slice together, and of a
/// read: a hundred times the usual.
const MOST_BASES: u64 = 1 << 29;
const MOST_FEATURES: u64 = 1 << 24;
/// Bytes of a value that takes none of the file.
const LONGEST_CONSTANT: u64 = 1 << 16;

/// The encodings that are looked at (section 13).
const EXTERNAL: i32 = 1;
const HUFFMAN: i32 = 3;
const BYTE_ARRAY_LENGTH: i32 = 4;
const BYTE_ARRAY_STOP: i32 = 5;
const BETA: i32 = 6;

/// Where the bases and the features of each read are counted.
pub(super) struct Encodings {
    bases: Option<Counts>,
    features: Option<Counts>,
}

/// How a count of each read is written.
enum Counts {
    /// Each is at most this.
    AtMost(u64),
    /// In a block of their own.
    Block(i32),
}

impl Encodings {
    /// Reads a compression header.
    ///
    /// # Errors
    /// When it is damaged, or values of any size could follow from it.
    pub(super) fn read(mut header: &[u8]) -> io::Result<Self> {
        // What is preserved.
        section(&mut header)?;
        let mut series = section(&mut header)?;
        let mut tags = section(&mut header)?;
        let mut found = Encodings {
            bases: None,
            features: None,
        };
        let mut blocks = Vec::new();
        for _ in 0..itf8(&mut series)?.max(0) {
            let key = part(&mut series, 2)?;
            let counts = encoding(&mut series, &mut blocks)?;
            let place = match key {
                b"RL" => &mut found.bases,
                b"FN" => &mut found.features,
                _ => continue,
            };
            let counts = counts.ok_or_else(|| wrong("counts that may be of any size"))?;
            if place.replace(counts).is_some() {
                return Err(wrong("counts that are written twice"));
            }
        }
        for _ in 0..itf8(&mut tags)?.max(0) {
            itf8(&mut tags)?;
            encoding(&mut tags, &mut blocks)?;
        }
        for counts in [&found.bases, &found.features].into_iter().flatten() {
            if let Counts::Block(id) = counts
                && blocks.iter().filter(|&block| block == id).count() > 1
            {
                return Err(wrong("counts among other values"));
            }
        }
        Ok(found)
    }

    /// Checks that a slice has as many bases and features as can be, given its blocks.
    ///
    /// # Errors
    /// When it claims more.
    pub(super) fn check(&self, records: u64, blocks: &[(i32, Cow<'_, [u8]>)]) -> io::Result<()> {
        for (counts, most) in [(&self.bases, MOST_BASES), (&self.features, MOST_FEATURES)] {
            let total = match counts {
                None => 0,
                Some(Counts::AtMost(count)) => count.saturating_mul(records),
                Some(Counts::Block(id)) => {
                    // Of several blocks of one number the library reads the last.
                    let block = blocks.iter().rfind(|(block, _)| block == id);
                    let mut rest = block.map_or(&[][..], |(_, bytes)| bytes);
                    let mut total = 0_u64;
                    while !rest.is_empty() {
                        let count = itf8(&mut rest)?;
                        let count = u64::try_from(count).map_err(|_| wrong("a negative count"))?;
                        total = total.saturating_add(count);
                    }
                    total
                }
            };
            if total > most {
                return Err(wrong(format!("{total} bases or features in a slice")));
            }
        }
        Ok(())
    }
}

/// A part of a header that begins with its size.
fn section<'h>(header: &mut &'h [u8]) -> io::Result<&'h [u8]> {
    let size = itf8(header)?;
    part(
        header,
        usize::try_from(size).map_err(|_| wrong("a negative size"))?,
    )
}

/// Reads an encoding, notes the blocks that it reads, and tells what is known of its values, if
/// they are numbers.
fn encoding(rest: &mut &[u8], blocks: &mut Vec<i32>) -> io::Result<Option<Counts>> {
    encoding_within(rest, blocks, false)
}

/// Likewise; an encoding within another is of plain numbers or bytes.
fn encoding_within(
    rest: &mut &[u8],
    blocks: &mut Vec<i32>,
    is_within: bool,
) -> io::Result<Option<Counts>> {
    let kind = itf8(rest)?;
    let mut settings = section(rest)?;
    match kind {
        EXTERNAL => {
            let block = itf8(&mut settings)?;
            blocks.push(block);
            Ok(Some(Counts::Block(block)))
        }
        HUFFMAN => {
            let mut largest = 0;
            for _ in 0..itf8(&mut settings)?.max(0) {
                largest = largest.max(itf8(&mut settings)?);
            }
            Ok(Some(Counts::AtMost(largest.unsigned_abs().into())))
        }
        BETA => {
            let (offset, bits) = (itf8(&mut settings)?, itf8(&mut settings)?);
            let largest = 1_u64.checked_shl(bits.cast_unsigned());
            let largest = largest.unwrap_or(u64::MAX);
            Ok(Some(Counts::AtMost(
                largest.saturating_add(offset.unsigned_abs().into()),
            )))
        }
        BYTE_ARRAY_LENGTH if is_within => Err(wrong("encodings within each other")),
        BYTE_ARRAY_LENGTH => {
            let length = encoding_within(&mut settings, blocks, true)?;
            let values = encoding_within(&mut settings, blocks, true)?;
            // Where one byte is repeated, the length alone tells how often.
            match (length, values) {
                (_, Some(Counts::Block(_))) => Ok(None),
                (Some(Counts::AtMost(length)), _) if length <= LONGEST_CONSTANT => Ok(None),
                _ => Err(wrong("values that may be of any size")),
            }
        }
        BYTE_ARRAY_STOP => {
            byte(&mut settings)?;
            blocks.push(itf8(&mut settings)?);
            Ok(None)
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A compression header with this series.
    fn header(series: &[u8]) -> Vec<u8> {
        let size = series.len() as u8 + 1;
        [&[0, size, 1], series, &[1, 0]].concat()
    }

    fn problem(series: &[u8], records: u64, block: &[u8]) -> String {
        let blocks = [(7, Cow::from(block))];
        let checked = Encodings::read(&header(series)).and_then(|e| e.check(records, &blocks));
        checked.map_or_else(|error| error.to_string(), |()| "none".into())
    }

    #[test]
    fn counts_of_bases_and_features_have_limits() {
        // Each count in a block of its own.
        let block = b"FN\x01\x01\x07";
        assert_eq!(problem(block, 2, &[3, 5]), "none");
        let many = [0xf7, 0xff, 0xff, 0xff, 0x0f];
        assert!(problem(block, 1, &many).contains("in a slice"));
        // A constant, which takes no bit.
        let constant = [b"RL\x03\x08\x01", &[0xe4, 0, 0, 0][..], b"\x01\x00\x00"].concat();
        assert_eq!(problem(&constant, 1, &[]), "none");
        assert!(problem(&constant, 1 << 20, &[]).contains("in a slice"));
        // Gamma codes, of any size.
        assert!(problem(b"RL\x09\x01\x00", 1, &[]).contains("any size"));
    }

    #[test]
    fn a_repeated_byte_is_not_repeated_at_will() {
        // The length in a block, the value a constant.
        let repeated = b"IN\x04\x09\x01\x01\x07\x03\x04\x01\x41\x01\x00";
        assert!(problem(repeated, 1, &[]).contains("any size"));
    }
}
