//! How files are read: once, from start to end, hashed and metered on the way,
//! decompressed if they are compressed, and cut into lines of bounded length.

mod lines;
mod sheet;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;
use noodles::bgzf;
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Place, Result},
    provenance::{self, Source},
};

pub(crate) use lines::{Lines, excerpt};
pub(crate) use sheet::{Row, beside, if_none, read_sheet};

/// Bytes read of the files of a job, counted while they are read. Clones count
/// together, so that one can be shown while others are read.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts bytes that were read elsewhere.
    pub fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A file that is read from its start to its end and hashed on the way.
#[derive(Debug)]
pub(crate) struct Input {
    file: File,
    seen: Arc<Mutex<SeenBytes>>,
    meter: Meter,
}

/// What was read of an [`Input`], which may meanwhile have moved to another
/// thread.
#[derive(Debug)]
pub(crate) struct Seen {
    path: PathBuf,
    bytes: Arc<Mutex<SeenBytes>>,
}

#[derive(Debug, Default)]
struct SeenBytes {
    sha256: Sha256,
    size: u64,
    tail: Vec<u8>,
}

/// The empty block that ends every complete BGZF file (SAM specification, 4.1.2).
const BGZF_END: [u8; 28] = [
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, 0x42, 0x43, 0x02, 0, 0x1b, 0, 0x03, 0, 0,
    0, 0, 0, 0, 0, 0, 0,
];
/// Bytes by which BGZF is told from other gzip files.
const HEAD: usize = 18;
/// Bytes read from a file at once.
const CHUNK: usize = 1 << 18;

impl Input {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be opened, or is a folder.
    pub(crate) fn open(path: &Path, meter: &Meter) -> Result<(Self, Seen)> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        if file.metadata().is_ok_and(|found| found.is_dir()) {
            return Err(Error::content(
                path,
                Place::File,
                "a file",
                "a folder",
                "Give the path of a file",
            ));
        }
        let bytes = Arc::new(Mutex::new(SeenBytes::default()));
        let input = Input {
            file,
            seen: Arc::clone(&bytes),
            meter: meter.clone(),
        };
        let path = path.into();
        Ok((input, Seen { path, bytes }))
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        let bytes = &buffer[..length];
        self.meter.add(length as u64);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.sha256.update(bytes);
        seen.size += length as u64;
        let kept = bytes.len().min(BGZF_END.len());
        let surplus = (seen.tail.len() + kept).saturating_sub(BGZF_END.len());
        seen.tail.drain(..surplus);
        seen.tail.extend_from_slice(&bytes[bytes.len() - kept..]);
        Ok(length)
    }
}

impl Seen {
    /// Whether the file ended as a complete BGZF file does.
    fn ends_as_bgzf(&self) -> bool {
        let seen = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        seen.tail == BGZF_END
    }

    /// Refuses a BGZF file without its last block, which was cut off.
    ///
    /// # Errors
    /// When the block is not there.
    fn check_bgzf_end(&self) -> Result<()> {
        if self.ends_as_bgzf() {
            return Ok(());
        }
        Err(Error::content(
            &self.path,
            Place::File,
            "the empty block that ends a BGZF file",
            "a file without it, which was cut off",
            "Copy or make the file again",
        ))
    }

    /// The file as a source of a result.
    ///
    /// # Errors
    /// When the file was not read to its end and cannot be read again.
    pub(crate) fn source(&self, role: &str) -> Result<Source> {
        let size = self
            .path
            .metadata()
            .map_err(Error::io("read", &self.path))?;
        let seen = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.size < size.len() {
            return provenance::source(role, &self.path);
        }
        let sha256 = provenance::hexadecimal(&seen.sha256.clone().finalize());
        Ok(Source::new(role, &self.path, seen.size, sha256))
    }
}

/// A file's content, decompressed.
pub(crate) struct Decompressed {
    /// The bytes.
    pub(crate) reader: Box<dyn BufRead + Send>,
    /// What has been read of the file.
    seen: Seen,
    /// Whether the file is in blocks (BGZF), of which the last is empty.
    is_bgzf: bool,
}

impl Decompressed {
    /// Opens a file that may be compressed with gzip or bgzip. Blocks of the latter
    /// are decompressed by `threads` other threads, or by the reading one if that
    /// is 1.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn open(path: &Path, meter: &Meter, threads: NonZero<usize>) -> Result<Self> {
        let (input, seen) = Input::open(path, meter)?;
        let mut file = BufReader::with_capacity(CHUNK, input);
        let mut head = Vec::with_capacity(HEAD);
        file.by_ref()
            .take(HEAD as u64)
            .read_to_end(&mut head)
            .map_err(Error::io("read", path))?;
        let is_bgzf = is_bgzf(&head);
        let is_gzip = head.starts_with(&[0x1f, 0x8b]);
        let whole = Cursor::new(head).chain(file);
        let reader: Box<dyn BufRead + Send> = if is_bgzf && threads.get() == 1 {
            Box::new(bgzf::io::Reader::new(whole))
        } else if is_bgzf {
            Box::new(bgzf::io::MultithreadedReader::with_worker_count(
                threads, whole,
            ))
        } else if is_gzip {
            Box::new(BufReader::with_capacity(CHUNK, MultiGzDecoder::new(whole)))
        } else {
            Box::new(whole)
        };
        Ok(Decompressed {
            reader,
            seen,
            is_bgzf,
        })
    }

    /// What is known of the file after all of it was read.
    ///
    /// # Errors
    /// When it turns out to have been cut off.
    pub(crate) fn finish(self, role: &str) -> Result<Source> {
        drop(self.reader);
        if self.is_bgzf {
            self.seen.check_bgzf_end()?;
        }
        self.seen.source(role)
    }
}

/// Whether a file with these first bytes consists of BGZF blocks.
fn is_bgzf(head: &[u8]) -> bool {
    head.len() >= HEAD && head[..4] == BGZF_END[..4] && head[10..16] == BGZF_END[10..16]
}

/// The first bytes of a file's content, decompressed as far as that goes.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn first_bytes(path: &Path, length: u64) -> Result<Vec<u8>> {
    let mut content = Decompressed::open(path, &Meter::default(), NonZero::<usize>::MIN)?;
    let mut bytes = Vec::new();
    // What is wrong with the compression is told by the reader of the format.
    let _ = content.reader.by_ref().take(length).read_to_end(&mut bytes);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn the_same_content_however_it_is_compressed() {
        let text: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let mut bgzip = bgzf::io::Writer::new(Vec::new());
        bgzip.write_all(&text).unwrap();
        for bytes in [
            text.clone(),
            gzip.finish().unwrap(),
            bgzip.finish().unwrap(),
        ] {
            let file = file(&bytes);
            let meter = Meter::default();
            let threads = NonZero::new(2).unwrap();
            let mut content = Decompressed::open(file.path(), &meter, threads).unwrap();
            let mut read = Vec::new();
            content.reader.read_to_end(&mut read).unwrap();
            assert!(read == text);
            let source = content.finish("reads").unwrap();
            assert_eq!(source, provenance::source("reads", file.path()).unwrap());
            assert_eq!(meter.bytes(), bytes.len() as u64);
        }
    }

    #[test]
    fn blocks_without_their_end_were_cut_off() {
        let mut bgzip = bgzf::io::Writer::new(Vec::new());
        bgzip.write_all(b"chr1\t0\t1\n").unwrap();
        let mut bytes = bgzip.finish().unwrap();
        bytes.truncate(bytes.len() - BGZF_END.len());
        let file = file(&bytes);
        let threads = NonZero::<usize>::MIN;
        let mut content = Decompressed::open(file.path(), &Meter::default(), threads).unwrap();
        io::copy(&mut content.reader, &mut io::sink()).unwrap();
        let message = content.finish("reads").unwrap_err().to_string();
        assert!(message.contains("cut off"), "{message}");
    }

    #[test]
    fn a_source_is_the_whole_file_even_if_only_its_start_was_read() {
        let file = file(&[7; 1 << 20]);
        let (mut input, seen) = Input::open(file.path(), &Meter::default()).unwrap();
        input.read_exact(&mut [0; 10]).unwrap();
        let source = seen.source("reads").unwrap();
        assert_eq!(source, provenance::source("reads", file.path()).unwrap());
    }
}
