//! bigWig: the golden one, and one whose blocks are not compressed, so that no checksum hides
//! damage in them.

use std::fs;

use crate::{Corpus, first_lines, golden};

pub(crate) fn add(corpus: &Corpus) {
    let bytes = fs::read(golden("signal.bw")).expect("a golden file");
    corpus.add_as("signal", "golden", 1, &bytes);
    corpus.add_as("signal", "golden-windows", 9, &bytes);
    corpus.add_as("signal", "plain", 1, &plain());
    corpus.add_as("signal", "plain-windows", 9, &plain());
    let text = fs::read(golden("signal.bedGraph")).expect("a golden file");
    corpus.add_as("signal", "bedgraph", 0, &first_lines(&text, 40));
    corpus.add_as(
        "signal",
        "bedgraph-header",
        0,
        b"track type=bedGraph\nchr1 0 100 1.5\nchr2\t0\t10\tNaN\n",
    );
}

/// Little-endian numbers, one after another.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u8(&mut self, numbers: &[u8]) {
        self.0.extend(numbers);
    }

    fn u16(&mut self, numbers: &[u16]) {
        self.0
            .extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    fn u32(&mut self, numbers: &[u32]) {
        self.0
            .extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    fn u64(&mut self, numbers: &[u64]) {
        self.0
            .extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }
}

/// Two chromosomes, a block of each kind (Kent et al., Bioinformatics 26, 2010, supplement).
fn plain() -> Vec<u8> {
    let mut blocks: [Bytes; 3] = Default::default();
    let one = 1.0_f32.to_bits();
    // Chromosome, start, end, step, span; kind, reserved, items.
    let head = |block: &mut Bytes, numbers: [u32; 5], kind: u8, items: u16| {
        block.u32(&numbers);
        block.u8(&[kind, 0]);
        block.u16(&[items]);
    };
    head(&mut blocks[0], [0, 0, 5000, 0, 0], 1, 3);
    blocks[0].u32(&[0, 10, one, 20, 4000, one, 4500, 5000, one]);
    head(&mut blocks[1], [0, 5000, 6000, 0, 100], 2, 2);
    blocks[1].u32(&[5000, one, 5500, one]);
    head(&mut blocks[2], [1, 0, 300, 100, 100], 3, 3);
    blocks[2].u32(&[one, one, one]);

    const CHROMS: u64 = 64 + 40;
    const CHROM_BYTES: u64 = 32 + 4 + 2 * 12;
    const DATA: u64 = CHROMS + CHROM_BYTES;
    let mut file = Bytes::default();
    let size: u64 = blocks.iter().map(|block| block.0.len() as u64).sum();
    let index = DATA + 8 + size;
    // Magic, version, zoom levels.
    file.u32(&[0x888f_fc26]);
    file.u16(&[4, 0]);
    file.u64(&[CHROMS, DATA, index]);
    // Fields, defined ones; where SQL is, and the summary; the size of blocks when inflated.
    file.u16(&[0, 0]);
    file.u64(&[0, 64]);
    file.u32(&[0]);
    file.u64(&[0]);
    // The summary: bases, least, most, sum, squares.
    file.u64(&[
        6300,
        1.0_f64.to_bits(),
        1.0_f64.to_bits(),
        6300.0_f64.to_bits(),
        6300.0_f64.to_bits(),
    ]);
    // Chromosomes: magic, entries of a node, bytes of a name and of a value, how many.
    file.u32(&[0x78ca_8c91, 2, 4, 8]);
    file.u64(&[2, 0]);
    file.u8(&[1, 0]);
    file.u16(&[2]);
    for (id, name) in [b"chr1", b"chr2"].into_iter().enumerate() {
        file.u8(name);
        file.u32(&[id as u32, 12_000]);
    }
    file.u64(&[blocks.len() as u64]);
    let mut places = Vec::new();
    for block in &blocks {
        places.push([file.0.len() as u64, block.0.len() as u64]);
        file.u8(&block.0);
    }
    // The index: magic, entries of a node, items, where it begins and ends.
    file.u32(&[0x2468_ace0, 4]);
    file.u64(&[3]);
    file.u32(&[0, 0, 1, 300]);
    file.u64(&[index]);
    file.u32(&[1024, 0]);
    file.u8(&[1, 0]);
    file.u16(&[3]);
    let ranges: [[u32; 4]; 3] = [[0, 0, 0, 5000], [0, 5000, 0, 6000], [1, 0, 1, 300]];
    for (range, place) in ranges.iter().zip(places) {
        file.u32(range);
        file.u64(&place);
    }
    file.u32(&[0x888f_fc26]);
    file.0
}
