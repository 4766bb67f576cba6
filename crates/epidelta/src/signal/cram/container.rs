//! Reads a container and looks at what its parts claim, before the library that decodes them
//! takes them at their word: it reserves as much memory as they say, and repeats what takes
//! no bit of the file as often as they say.
//!
//! Layout: CRAM format specification 3.1, sections 7 to 9 and 13.

use std::{
    borrow::Cow,
    io::{self, BufRead, Read},
};

use flate2::read::MultiGzDecoder;

use super::encodings::Encodings;

/// Bytes of all blocks of a container together, decompressed: room for 10,000 long reads.
pub(super) const LARGEST_CONTAINER: u64 = 1 << 30;
/// Records of a slice: a hundred times the usual. And of a byte, decompressed: each takes a bit
/// at the least.
const MOST_RECORDS: u64 = 1 << 20;
const MOST_RECORDS_OF_BYTE: u64 = 8;

/// The kinds of blocks that are looked into.
const COMPRESSION_HEADER: u8 = 1;
const SLICE_HEADER: u8 = 2;
/// How blocks may be compressed. The later ones are of CRAM 3.1.
const RAW: u8 = 0;
const GZIP: u8 = 1;
const RANS: u8 = 4;
const RANS_NX16: u8 = 5;
const ARITHMETIC: u8 = 6;
/// The flag of these two that the size is not told again.
const WITHOUT_SIZE: u8 = 0x10;
const QUALITIES: u8 = 7;
const NAMES: u8 = 8;

/// A container, as it stands in the file.
pub(super) struct Container {
    /// All of it.
    pub bytes: Vec<u8>,
    /// What is known of its slices; none of a container without any.
    pub slices: Option<Slices>,
}

/// What a container tells of its slices.
pub(super) struct Slices {
    /// How the numbers in them are written.
    pub encodings: Encodings,
    /// The records of each.
    pub records: Vec<u64>,
    /// Bytes of all blocks, decompressed.
    pub size: u64,
}

/// Reads the next container.
///
/// # Errors
/// When it is cut off, or claims what cannot be.
pub(super) fn read(reader: &mut impl BufRead) -> io::Result<Container> {
    let mut bytes = Vec::new();
    reader.by_ref().take(4).read_to_end(&mut bytes)?;
    let length: [u8; 4] = bytes[..].try_into().map_err(|_| cut_off())?;
    let length = i32::from_le_bytes(length);
    let length = u64::try_from(length).map_err(|_| wrong("a container of negative size"))?;
    let mut header = Copied {
        reader: &mut *reader,
        bytes: &mut bytes,
    };
    // Sequence, start, span, records; counter, bases; blocks.
    for _ in 0..4 {
        header.itf8()?;
    }
    for _ in 0..2 {
        header.ltf8()?;
    }
    header.itf8()?;
    let mut landmarks = Vec::new();
    for _ in 0..header.itf8()?.max(0) {
        let landmark = header.itf8()?;
        landmarks.push(usize::try_from(landmark).map_err(|_| wrong("a slice before its place"))?);
    }
    reader.by_ref().take(4).read_to_end(&mut bytes)?;
    let start = bytes.len();
    reader.by_ref().take(length).read_to_end(&mut bytes)?;
    if (bytes.len() - start) as u64 != length {
        return Err(cut_off());
    }
    let slices = match landmarks.is_empty() {
        true => None,
        false => Some(check(&bytes[start..], &landmarks)?),
    };
    Ok(Container { bytes, slices })
}

/// Checks the blocks of a container. Slices must begin at blocks, or the library would find
/// others there.
fn check(body: &[u8], landmarks: &[usize]) -> io::Result<Slices> {
    let mut rest = body;
    let mut landmarks = landmarks.iter().peekable();
    let mut decompressed = 0;
    let mut encodings = None;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let at = body.len() - rest.len();
        let block = Block::read(&mut rest)?;
        decompressed += block.size;
        if decompressed > LARGEST_CONTAINER {
            return Err(wrong(format!("blocks of {decompressed} bytes and more")));
        }
        let is_slice = landmarks.next_if(|&&landmark| landmark == at).is_some();
        match (block.content, &encodings) {
            (COMPRESSION_HEADER, None) if !is_slice => {
                encodings = Some(Encodings::read(&block.plain()?)?);
            }
            (SLICE_HEADER, Some(_)) if is_slice => {
                let header = block.plain()?;
                let mut header = &header[..];
                for _ in 0..3 {
                    itf8(&mut header)?;
                }
                let count = itf8(&mut header)?;
                records.push(u64::try_from(count).map_err(|_| wrong("a negative count"))?);
            }
            (COMPRESSION_HEADER | SLICE_HEADER, _) => {
                return Err(wrong("a header of a slice where none belongs"));
            }
            _ if is_slice => return Err(wrong("a slice without its header")),
            _ => (),
        }
    }
    let most = MOST_RECORDS.min(MOST_RECORDS_OF_BYTE * decompressed);
    if let Some(many) = records.iter().find(|&&count| count > most) {
        return Err(wrong(format!("{many} records in a slice")));
    }
    // All slices of a container are decoded before their records are counted.
    let together: u64 = records.iter().sum();
    if together > MOST_RECORDS_OF_BYTE * decompressed || together > 4 * MOST_RECORDS {
        return Err(wrong(format!("{together} records in a container")));
    }
    match (landmarks.next(), encodings) {
        (None, Some(encodings)) => Ok(Slices {
            encodings,
            records,
            size: decompressed,
        }),
        _ => Err(wrong("slices that are not there")),
    }
}

/// A block of a container.
struct Block<'b> {
    method: u8,
    content: u8,
    /// Bytes when decompressed.
    size: u64,
    data: &'b [u8],
}

impl<'b> Block<'b> {
    fn read(rest: &mut &'b [u8]) -> io::Result<Self> {
        let (method, content) = (byte(rest)?, byte(rest)?);
        itf8(rest)?;
        let mut size = || u64::try_from(itf8(rest)?).map_err(|_| wrong("a negative size"));
        let (stored, size) = (size()?, size()?);
        let stored = usize::try_from(stored).map_err(io::Error::other)?;
        let block = Block {
            method,
            content,
            size,
            data: part(rest, stored)?,
        };
        // Its checksum.
        part(rest, 4)?;
        block.check_own_size()?;
        Ok(block)
    }

    /// Some methods tell the size again, and the library believes that.
    fn check_own_size(&self) -> io::Result<()> {
        let number = |at: usize| -> io::Result<u64> {
            let bytes = self.data.get(at..at + 4).ok_or_else(cut_off)?;
            let number = bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
            Ok(number)
        };
        let own = match self.method {
            RAW => self.data.len() as u64,
            _ if self.data.is_empty() => return Ok(()),
            RANS => number(5)?,
            NAMES => number(0)?,
            QUALITIES => uint7(&mut &*self.data)?,
            // A flag tells that they do not.
            RANS_NX16 | ARITHMETIC if self.data[0] & WITHOUT_SIZE == 0 => {
                uint7(&mut &self.data[1..])?
            }
            _ => return Ok(()),
        };
        match own == self.size {
            true => Ok(()),
            false => Err(wrong(format!(
                "a block of {} bytes and of {own}",
                self.size
            ))),
        }
    }

    /// The data of a header. Programs leave it as it is, though they might compress it.
    fn plain(&self) -> io::Result<Cow<'b, [u8]>> {
        match self.method {
            RAW => Ok(self.data.into()),
            GZIP => {
                let mut plain = Vec::new();
                let inflated = MultiGzDecoder::new(self.data);
                inflated.take(self.size).read_to_end(&mut plain)?;
                Ok(plain.into())
            }
            _ => Err(wrong("a header compressed in another manner than gzip")),
        }
    }
}

pub(super) fn wrong(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.into())
}

fn cut_off() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

/// The next bytes.
pub(super) fn part<'b>(rest: &mut &'b [u8], length: usize) -> io::Result<&'b [u8]> {
    let (part, after) = rest.split_at_checked(length).ok_or_else(cut_off)?;
    *rest = after;
    Ok(part)
}

pub(super) fn byte(rest: &mut &[u8]) -> io::Result<u8> {
    part(rest, 1).map(|byte| byte[0])
}

/// The next number of one to five bytes.
pub(super) fn itf8(rest: &mut &[u8]) -> io::Result<i32> {
    let first = byte(rest)?;
    let more = (first.leading_ones() as usize).min(4);
    let following = part(rest, more)?;
    let number = |first: u8, following: &[u8]| {
        let bytes = following.iter();
        bytes.fold(u32::from(first), |number, &byte| {
            number << 8 | u32::from(byte)
        })
    };
    let number = match following {
        // Of the fifth byte only half is used.
        [whole @ .., last] if more == 4 => {
            number(first & 0x0f, whole) << 4 | u32::from(last & 0x0f)
        }
        _ => number(first & (0x7f >> more), following),
    };
    Ok(number.cast_signed())
}

/// A number of which each byte has seven bits, the last one a zero before them.
fn uint7(rest: &mut &[u8]) -> io::Result<u64> {
    let mut number: u64 = 0;
    loop {
        let byte = byte(rest)?;
        number = number << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 || number > LARGEST_CONTAINER {
            return Ok(number);
        }
    }
}

/// A header that is kept as it is read.
struct Copied<'c, R> {
    reader: &'c mut R,
    bytes: &'c mut Vec<u8>,
}

impl<R: BufRead> Copied<'_, R> {
    /// Takes a number whose first byte tells by its leading ones, at most so many, how many
    /// bytes follow; returns these bytes.
    fn number(&mut self, most: usize) -> io::Result<&[u8]> {
        let start = self.bytes.len();
        let mut take = |count: usize| -> io::Result<u8> {
            let before = self.bytes.len();
            self.reader
                .by_ref()
                .take(count as u64)
                .read_to_end(self.bytes)?;
            match self.bytes.len() - before == count {
                true => Ok(self.bytes[start]),
                false => Err(cut_off()),
            }
        };
        let more = (take(1)?.leading_ones() as usize).min(most);
        take(more)?;
        Ok(&self.bytes[start..])
    }

    fn itf8(&mut self) -> io::Result<i32> {
        itf8(&mut self.number(4)?)
    }

    fn ltf8(&mut self) -> io::Result<()> {
        self.number(8).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A block whose checksum nobody looks at here.
    fn block(method: u8, content: u8, size: u8, data: &[u8]) -> Vec<u8> {
        let head = [method, content, 0, data.len() as u8, size];
        [&head, data, &[0; 4]].concat()
    }

    fn raw(content: u8, data: &[u8]) -> Vec<u8> {
        block(RAW, content, data.len() as u8, data)
    }

    /// A container of these blocks, a slice beginning at each of some.
    fn container(blocks: &[Vec<u8>], slices: &[usize]) -> Vec<u8> {
        let body = blocks.concat();
        let mut bytes = (body.len() as u32).to_le_bytes().to_vec();
        bytes.extend([0; 7]);
        bytes.push(slices.len() as u8);
        for &slice in slices {
            bytes.push(blocks[..slice].concat().len() as u8);
        }
        [bytes, vec![0; 4], body].concat()
    }

    /// A compression header: the lengths of reads in a block.
    const HEADER: &[u8] = &[0, 6, 1, b'R', b'L', 1, 1, 7, 1, 0];

    fn problem(bytes: &[u8]) -> String {
        match read(&mut &bytes[..]) {
            Ok(_) => "none".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_container_may_claim_no_more_than_there_is() {
        let slice = || raw(SLICE_HEADER, &[0, 0, 0, 3]);
        let sound = container(&[raw(COMPRESSION_HEADER, HEADER), slice()], &[1]);
        let read = read(&mut &sound[..]).unwrap();
        assert_eq!(read.bytes, sound);
        assert_eq!(read.slices.unwrap().records, [3]);

        let mut long = sound.clone();
        long[..4].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
        assert!(problem(&long).contains("end of file"), "{}", problem(&long));
        assert!(problem(&[0xff; 4]).contains("negative size"));
        for length in 0..sound.len() {
            assert_ne!(problem(&sound[..length]), "none", "{length} bytes");
        }
    }

    #[test]
    fn the_parts_of_a_container_are_looked_at() {
        let header = || raw(COMPRESSION_HEADER, HEADER);
        let many = raw(SLICE_HEADER, &[0, 0, 0, 0xe7, 0xff, 0xff, 0xff]);
        let many = container(&[header(), many], &[1]);
        assert!(problem(&many).contains("records in a slice"));
        // rANS tells its size itself: 2^32 - 1 of 5 bytes.
        let twice = block(RANS, 4, 5, &[0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        let twice = container(&[header(), raw(SLICE_HEADER, &[0; 4]), twice], &[1]);
        assert!(problem(&twice).contains("a block of 5 bytes and of 4294967295"));
        // The same header, compressed.
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(HEADER).unwrap();
        let gzip = block(
            GZIP,
            COMPRESSION_HEADER,
            HEADER.len() as u8,
            &gzip.finish().unwrap(),
        );
        let sound = container(&[gzip, raw(SLICE_HEADER, &[0; 4])], &[1]);
        assert_eq!(problem(&sound), "none");
        let elsewhere = container(&[header(), raw(SLICE_HEADER, &[0; 4])], &[0]);
        assert!(problem(&elsewhere).contains("none belongs"));
    }
}
