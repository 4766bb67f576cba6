//! What stands between a damaged byte and the decoder: checksums.

use std::io::Write;

use noodles::bgzf;

/// Bytes in BGZF blocks, as BAM files are, whose checksums would hide any damage within.
pub fn bgzf(bytes: &[u8]) -> Vec<u8> {
    let mut writer = bgzf::io::Writer::new(Vec::new());
    writer.write_all(bytes).expect("memory takes all");
    writer.finish().expect("memory takes all")
}

/// Bytes of a CRAM file's definition, before its first container.
const DEFINITION: usize = 26;

/// A CRAM file with the checksums of its containers' headers and of its blocks made right, as
/// far as it can be followed (CRAM specification 3.1, sections 7 and 8).
pub fn with_cram_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = DEFINITION;
    while let Some(next) = container(&mut bytes, at) {
        at = next;
    }
    bytes
}

/// Mends a container; returns where the next one begins.
fn container(bytes: &mut [u8], start: usize) -> Option<usize> {
    let length = usize::try_from(i32::from_le_bytes(
        bytes.get(start..start + 4)?.try_into().ok()?,
    ));
    let mut at = start + 4;
    // Reference, start, span, records.
    for _ in 0..4 {
        itf8(bytes, &mut at)?;
    }
    // Record counter, bases.
    for _ in 0..2 {
        at += 1 + bytes.get(at)?.leading_ones() as usize;
    }
    itf8(bytes, &mut at)?;
    let landmarks = itf8(bytes, &mut at)?;
    for _ in 0..landmarks.max(0) {
        itf8(bytes, &mut at)?;
    }
    mend(bytes, start, at)?;
    at += 4;
    let end = at.checked_add(length.ok()?)?.min(bytes.len());
    while at < end {
        let Some(next) = block(bytes, at) else {
            break;
        };
        at = next;
    }
    Some(end)
}

/// Mends a block; returns where the next one begins.
fn block(bytes: &mut [u8], start: usize) -> Option<usize> {
    // Method, content type.
    let mut at = start + 2;
    itf8(bytes, &mut at)?;
    let size = usize::try_from(itf8(bytes, &mut at)?).ok()?;
    itf8(bytes, &mut at)?;
    let end = at.checked_add(size)?;
    mend(bytes, start, end)?;
    Some(end + 4)
}

/// Puts the checksum of a range behind it.
fn mend(bytes: &mut [u8], start: usize, end: usize) -> Option<()> {
    let sum = crc32(bytes.get(start..end)?);
    bytes
        .get_mut(end..end.checked_add(4)?)?
        .copy_from_slice(&sum.to_le_bytes());
    Some(())
}

/// The next number of one to five bytes.
fn itf8(bytes: &[u8], at: &mut usize) -> Option<i32> {
    let first = *bytes.get(*at)?;
    let more = (first.leading_ones() as usize).min(4);
    let rest = bytes.get(*at + 1..*at + 1 + more)?;
    *at += 1 + more;
    let followed = |head: u8, rest: &[u8]| {
        let bytes = rest.iter();
        bytes.fold(u32::from(head), |number, &byte| {
            number << 8 | u32::from(byte)
        })
    };
    let number = match more {
        4 => followed(first & 0xf, &rest[..3]) << 4 | u32::from(rest[3] & 0xf),
        _ => followed(first & (0x7f >> more), rest),
    };
    Some(number as i32)
}

/// CRC-32 as of gzip.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for &byte in bytes {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                sum >> 1 ^ 0xedb8_8320
            } else {
                sum >> 1
            };
        }
    }
    !sum
}
