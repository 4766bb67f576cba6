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
            return Err(wrong(format!("chromosome names of {name} bytes")));
        }
        let entry = u64::from(name) + 8;
        let chroms = self.u64_at(tree + 16)?;
        self.within(tree, chroms.saturating_mul(entry))?;
        let leaves = self.check_nodes(tree + CHROM_TREE_HEADER, entry, entry, u64::from(name))?;
        match leaves.len() as u64 == chroms {
            true => Ok(()),
            false => Err(wrong(format!("{} of {chroms} chromosomes", leaves.len()))),
        }
    }

    fn check_index(&mut self, index: u64) -> io::Result<()> {
        self.within(index, INDEX_HEADER)?;
        self.expect(index, INDEX_MAGIC, "index")?;
        let leaves = self.check_nodes(index + INDEX_HEADER, LEAF_ENTRY, INNER_ENTRY, 16)?;
        for leaf in leaves {
            let (offset, size) = (self.u64_at(leaf + 16)?, self.u64_at(leaf + 24)?);
            self.within(offset, size)?;
        }
        Ok(())
    }

    /// Looks through the nodes of a tree and returns where its leaves' entries are.
    /// Entries of inner nodes tell their child's offset after `child_at` bytes.
    fn check_nodes(
        &mut self,
        root: u64,
        leaf_entry: u64,
        inner_entry: u64,
        child_at: u64,
    ) -> io::Result<Vec<u64>> {
        let mut nodes = vec![root];
        let mut seen = HashSet::from([root]);
        let mut leaves = Vec::new();
        while let Some(node) = nodes.pop() {
            self.within(node, 4)?;
            let is_leaf = self.bytes::<1>(node)? == [1];
            let entries = u64::from(self.u16_at(node + 2)?);
            let entry = if is_leaf { leaf_entry } else { inner_entry };
            self.within(node + 4, entries * entry)?;
            for place in (0..entries).map(|number| node + 4 + number * entry) {
                if is_leaf {
                    leaves.push(place);
                    continue;
                }
                let child = self.u64_at(place + child_at)?;
                if !seen.insert(child) {
                    return Err(wrong("an index that goes in a circle".into()));
                }
                nodes.push(child);
            }
        }
        Ok(leaves)
    }
}
