//! Lines of a text file, with their numbers.

use std::{
    io::{BufRead, Read},
    num::NonZero,
    path::{Path, PathBuf},
};

use super::{Decompressed, Meter};
use crate::{
    error::{Error, Place, Result},
    provenance::Source,
};

/// Bytes that a line may have: more than a SAM record of the longest reads, and
/// little enough that a file without line ends does not fill memory.
const LONGEST_LINE: usize = 1 << 24;
/// What some editors put before the first character of a file.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// Characters of a wrong value that an error shows.
const EXCERPT: usize = 60;

/// The lines of a text file, which may be compressed.
pub(crate) struct Lines {
    path: PathBuf,
    content: Decompressed,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    /// Opens a text file, plain or compressed with gzip or bgzip.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn open(path: &Path, meter: &Meter, threads: NonZero<usize>) -> Result<Self> {
        Ok(Lines {
            path: path.into(),
            content: Decompressed::open(path, meter, threads)?,
            line: Vec::new(),
            number: 0,
        })
    }

    /// Opens a text file that is read on one thread and shown in no progress.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn open_small(path: &Path) -> Result<Self> {
        Lines::open(path, &Meter::default(), NonZero::<usize>::MIN)
    }

    /// The next line without its end, and its number, counted from 1. None after
    /// the last one.
    ///
    /// # Errors
    /// When the file cannot be read or decompressed, or the line is longer than 16
    /// MiB.
    pub(crate) fn next_line(&mut self) -> Result<Option<(u64, &[u8])>> {
        self.line.clear();
        self.number += 1;
        let limit = LONGEST_LINE as u64 + 1;
        let mut reader = self.content.reader.by_ref().take(limit);
        let length = reader.read_until(b'\n', &mut self.line).map_err(|error| {
            Error::content(
                &self.path,
                Place::Line(self.number),
                "a file that can be read and decompressed to its end",
                format!("a damaged or truncated file ({error})"),
                "Copy or make the file again",
            )
        })?;
        if length == 0 {
            return Ok(None);
        }
        while self
            .line
            .last()
            .is_some_and(|&b| matches!(b, b'\n' | b'\r'))
        {
            self.line.pop();
        }
        if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
            self.line.drain(..BYTE_ORDER_MARK.len());
        }
        if self.line.len() > LONGEST_LINE {
            return Err(Error::content(
                &self.path,
                Place::Line(self.number),
                format!("a line of at most {LONGEST_LINE} bytes"),
                "a longer one",
                "Check that this is a text file of the format that its name tells",
            ));
        }
        Ok(Some((self.number, &self.line)))
    }

    /// The file as a source, after its last line.
    ///
    /// # Errors
    /// When the file turns out to have been cut off.
    pub(crate) fn finish(self, role: &str) -> Result<Source> {
        self.content.finish(role)
    }
}

/// A wrong value as an error shows it: quoted, and not longer than a line of text.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * EXCERPT)]);
    let short: String = text.chars().take(EXCERPT).collect();
    let more = if short.len() < text.len() || bytes.len() > 4 * EXCERPT {
        "..."
    } else {
        ""
    };
    format!("{short:?}{more}")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lines(bytes: &[u8]) -> (tempfile::NamedTempFile, Lines) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let lines = Lines::open(file.path(), &Meter::default(), NonZero::<usize>::MIN).unwrap();
        (file, lines)
    }

    #[test]
    fn lines_have_numbers_and_no_ends() {
        let (_file, mut lines) = lines("\u{feff}a\r\n\nb".as_bytes());
        assert_eq!(lines.next_line().unwrap(), Some((1, &b"a"[..])));
        assert_eq!(lines.next_line().unwrap(), Some((2, &b""[..])));
        assert_eq!(lines.next_line().unwrap(), Some((3, &b"b"[..])));
        assert_eq!(lines.next_line().unwrap(), None);
    }

    #[test]
    fn a_file_without_line_ends_is_refused() {
        let (_file, mut lines) = lines(&vec![b'A'; LONGEST_LINE + 1]);
        let message = lines.next_line().unwrap_err().to_string();
        assert!(message.contains("line 1"), "{message}");
        assert!(message.len() < 300, "{message}");
    }

    #[test]
    fn a_long_value_is_shown_short() {
        assert_eq!(excerpt(b"ab\x01"), "\"ab\\u{1}\"");
        assert!(excerpt(&[b'x'; 1 << 20]).len() < 100);
    }
}
