//! Looks through the parts of a bigWig that say where others are, before the
//! library that reads them takes them at their word: it reserves as much memory as
//! they claim, and follows them in circles.
//!
//! Layout: Kent et al., Bioinformatics 26, 2010, supplementary tables 5, 8 to 10 and
//! 14 to 17.

use std::{
    collections::HashSet,
    io::{self, BufRead, Seek, SeekFrom},
};

const MAGIC: u32 = 0x888f_fc26;
const CHROM_TREE_MAGIC: u32 = 0x78ca_8c91;
const INDEX_MAGIC: u32 = 0x2468_ace0;
/// Bytes of the headers of the file, the tree of chromosomes and the index.
const CHROM_TREE_HEADER: u64 = 32;
const INDEX_HEADER: u64 = 48;
/// Bytes of an index entry, of a leaf and of an inner node.
const LEAF_ENTRY: u64 = 32;
const INNER_ENTRY: u64 = 24;
/// More bytes than a decompressed block, or a chromosome's name, ever has.
const LARGEST_BLOCK: u32 = 1 << 26;
const LONGEST_NAME: u32 = 1 << 12;

/// Checks that what the file says of its own parts lies within it.
pub(super) fn check<R: BufRead + Seek>(reader: R) -> io::Result<()> {
    let mut file = Parts::open(reader)?;
    let chrom_tree = file.u64_at(8)?;
    let index = file.u64_at(24)?;
    let block = file.u32_at(52)?;
    if block > LARGEST_BLOCK {
        return Err(wrong(format!("blocks of {block} bytes")));
    }
    file.check_chroms(chrom_tree)?;
    file.check_index(index)
}

fn wrong(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// A file of numbers in either byte order.
struct Parts<R> {
    reader: R,
    size: u64,
    big_endian: bool,
}

impl<R: BufRead + Seek> Parts<R> {
    fn open(mut reader: R) -> io::Result<Self> {
        let size = reader.seek(SeekFrom::End(0))?;
        let mut file = Parts {
            reader,
            size,
            big_endian: false,
        };
        if file.u32_at(0)? != MAGIC {
            file.big_endian = true;
            file.expect(0, MAGIC, "bigWig")?;
        }
        Ok(file)
    }

    fn bytes<const N: usize>(&mut self, offset: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.seek(SeekFrom::Start(offset))?;
        self.reader.read_exact(&mut bytes)?;
        if self.big_endian {
            bytes.reverse();
        }
        Ok(bytes)
    }

    fn u16_at(&mut self, offset: u64) -> io::Result<u16> {
        self.bytes(offset).map(u16::from_le_bytes)
    }

    fn u32_at(&mut self, offset: u64) -> io::Result<u32> {
        self.bytes(offset).map(u32::from_le_bytes)
    }

    fn u64_at(&mut self, offset: u64) -> io::Result<u64> {
        self.bytes(offset).map(u64::from_le_bytes)
    }

    fn expect(&mut self, offset: u64, magic: u32, part: &str) -> io::Result<()> {
        match self.u32_at(offset)? == magic {
            true => Ok(()),
            false => Err(wrong(format!("no {part} where it should begin"))),
        }
    }

    /// Refuses a part that does not lie within the file.
    fn within(&self, offset: u64, size: u64) -> io::Result<()> {
        match offset.checked_add(size) {
            Some(end) if end <= self.size => Ok(()),
            _ => Err(wrong(format!("{size} bytes at {offset}, past its end"))),
        }
    }

    fn check_chroms(&mut self, tree: u64) -> io::Result<()> {
        self.within(tree, CHROM_TREE_HEADER)?;
        self.expect(tree, CHROM_TREE_MAGIC, "tree of chromosomes")?;
        let (name, value) = (self.u32_at(tree + 8)?, self.u32_at(tree + 12)?);
        if name > LONGEST_NAME || value != 8 {
            let problem = format!("chromosomes of {name} and {value} bytes");
            return Err(wrong(problem));
        }
        let entry = u64::from(name) + 8;
        let chroms = self.u64_at(tree + 16)?;
        self.within(tree, chroms.saturating_mul(entry))?;
        let child_at = usize::try_from(name).map_err(io::Error::other)?;
        let root = tree + CHROM_TREE_HEADER;
        let found = self.check_nodes(root, entry, entry, child_at, |_, _| Ok(()))?;
        match found == chroms {
            true => Ok(()),
            false => Err(wrong(format!("{found} of {chroms} chromosomes"))),
        }
    }

    fn check_index(&mut self, index: u64) -> io::Result<()> {
        if index == 0 {
            return Err(wrong("it holds no values".into()));
        }
        self.within(index, INDEX_HEADER)?;
        self.expect(index, INDEX_MAGIC, "index")?;
        let root = index + INDEX_HEADER;
        let block_within = |file: &Self, entry: &[u8]| {
            file.within(file.number(&entry[16..24]), file.number(&entry[24..32]))
        };
        self.check_nodes(root, LEAF_ENTRY, INNER_ENTRY, 16, block_within)
            .map(drop)
    }

    /// A number of eight bytes.
    fn number(&self, bytes: &[u8]) -> u64 {
        let value = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        match self.big_endian {
            true => bytes.iter().fold(0, value),
            false => bytes.iter().rev().fold(0, value),
        }
    }

    /// Looks through the nodes of a tree, hands on the entries of leaves, and returns
    /// how many these are. Entries of inner nodes tell their child's offset after
    /// `child_at` bytes.
    fn check_nodes(
        &mut self,
        root: u64,
        leaf_entry: u64,
        inner_entry: u64,
        child_at: usize,
        on_leaf: impl Fn(&Self, &[u8]) -> io::Result<()>,
    ) -> io::Result<u64> {
        let mut nodes = vec![root];
        let mut seen = HashSet::from([root]);
        let mut leaves = 0;
        let mut entries = Vec::new();
        while let Some(node) = nodes.pop() {
            self.within(node, 4)?;
            let is_leaf = self.bytes::<1>(node)? == [1];
            let count = u64::from(self.u16_at(node + 2)?);
            let entry = if is_leaf { leaf_entry } else { inner_entry };
            self.within(node + 4, count * entry)?;
            let size = usize::try_from(count * entry).map_err(io::Error::other)?;
            entries.resize(size, 0);
            self.reader.seek(SeekFrom::Start(node + 4))?;
            self.reader.read_exact(&mut entries)?;
            for entry in entries.chunks_exact(entry as usize) {
                if is_leaf {
                    leaves += 1;
                    on_leaf(self, entry)?;
                    continue;
                }
                let child = self.number(&entry[child_at..child_at + 8]);
                if !seen.insert(child) {
                    return Err(wrong("an index that goes in a circle".into()));
                }
                nodes.push(child);
            }
        }
        Ok(leaves)
    }
}
