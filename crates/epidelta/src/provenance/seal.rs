//! Files that hold their own checksum.
//!
//! The checksum, 64 hexadecimal digits, stands after a prefix that is the format's; it is of
//! all bytes of the file, with zeros in its own place. A single changed byte anywhere is
//! noticed, and nothing has to lie beside the file.

use std::path::Path;

use memchr::memmem;
use sha2::{Digest, Sha256};

use super::hexadecimal;
use crate::error::{Error, Place, Result};

/// What stands in the place of a checksum before [`seal`].
pub const UNSEALED: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Puts the checksum of a file's bytes into its place: where [`UNSEALED`], or an earlier
/// checksum, follows the prefix for the last time.
///
/// Returns whether there is such a place.
pub fn seal(bytes: &mut [u8], prefix: &[u8]) -> bool {
    let Some(start) = place(bytes, prefix) else {
        return false;
    };
    let checksum = checksum(bytes, start);
    bytes[start..start + UNSEALED.len()].copy_from_slice(checksum.as_bytes());
    true
}

/// Whether a file's bytes are those that were sealed; none if there is no checksum in them.
pub fn is_whole(bytes: &[u8], prefix: &[u8]) -> Option<bool> {
    let start = place(bytes, prefix)?;
    let found = &bytes[start..start + UNSEALED.len()];
    Some(found == checksum(bytes, start).as_bytes())
}

/// Refuses a file that is not as it was sealed, as [`is_whole`] tells.
///
/// # Errors
/// [`Error::Content`] naming the file; `remedy` is what to do.
pub(crate) fn check(path: &Path, is_whole: Option<bool>, remedy: &str) -> Result<()> {
    let found = match is_whole {
        Some(true) => return Ok(()),
        Some(false) => "another: it was changed or damaged",
        None => "none: it was cut off, changed or damaged",
    };
    let expected = "the checksum that the file was written with";
    Err(Error::content(path, Place::File, expected, found, remedy))
}

/// Where the checksum begins.
fn place(bytes: &[u8], prefix: &[u8]) -> Option<usize> {
    memmem::rfind_iter(bytes, prefix).find_map(|found| {
        let start = found + prefix.len();
        let place = bytes.get(start..start + UNSEALED.len())?;
        let is_checksum = place.iter().all(u8::is_ascii_hexdigit);
        is_checksum.then_some(start)
    })
}

fn checksum(bytes: &[u8], start: usize) -> String {
    let mut hasher = Sha256::new();
    hasher.update(&bytes[..start]);
    hasher.update(UNSEALED.as_bytes());
    hasher.update(&bytes[start + UNSEALED.len()..]);
    hexadecimal(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_is_noticed() {
        let prefix = b"# sha256: ";
        let mut sealed = format!("seed = 1\n# sha256: {UNSEALED}\n# end\n").into_bytes();
        assert!(seal(&mut sealed, prefix));
        assert_eq!(is_whole(&sealed, prefix), Some(true));
        for position in 0..sealed.len() {
            for bit in 0..8 {
                let mut damaged = sealed.clone();
                damaged[position] ^= 1 << bit;
                assert_ne!(is_whole(&damaged, prefix), Some(true), "{position}");
            }
        }
        for length in 0..sealed.len() {
            assert_ne!(is_whole(&sealed[..length], prefix), Some(true));
        }
        // Sealing again gives the same.
        let mut again = sealed.clone();
        assert!(seal(&mut again, prefix));
        assert_eq!(again, sealed);
        assert!(!seal(&mut b"nothing".to_vec(), prefix));
    }

    /// Expected value from `sha256sum`.
    #[test]
    fn the_checksum_is_sha256_with_zeros_in_its_place() {
        let mut bytes = format!("x={UNSEALED}\n").into_bytes();
        assert!(seal(&mut bytes, b"x="));
        let expected = "5bca5002920e28defbdc94da0784097e6c796d8e2344284435a26f7ef9869507";
        assert_eq!(bytes, format!("x={expected}\n").into_bytes());
    }
}
