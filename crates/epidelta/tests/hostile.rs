//! Whatever the bytes of a file, its reader gives numbers or an error: it does not
//! panic, hang or take memory for what the file only claims to hold.

mod common;

use std::{fs, io::Write, num::NonZero, path::Path, path::PathBuf};

use epidelta::{
    annotation::{AnnotationFormat, TssRule, read_genes},
    bins::{Bins, CountRule, ReadCounter, WindowIndex, Windows},
    dataset::{read_marks, read_samples},
    genome::{ChromSizes, read_chrom_sizes},
    input::Meter,
    method::{FittedMethod, Method, Preset, Settings},
    model::{DataSize, NamedTensor, Tensors, WeightsFile, write_tensors},
    signal::{Format, ReadFilter, Reading, read_alignments, read_values},
};
use proptest::prelude::*;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// Bytes with some changed, and perhaps the end cut off.
fn damaged(bytes: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = bytes.len();
    let changes = prop::collection::vec((0..length, any::<u8>()), 1..6);
    let end = prop::option::weighted(0.3, 0..length);
    (changes, end).prop_map(move |(changes, end)| {
        let mut bytes = bytes.clone();
        for (position, byte) in changes {
            bytes[position] = byte;
        }
        bytes.truncate(end.unwrap_or(length));
        bytes
    })
}

fn reading() -> Reading {
    Reading {
        filter: ReadFilter::default(),
        reference: Some(golden("reference.fa")),
        threads: NonZero::<usize>::MIN,
        meter: Meter::default(),
    }
}

/// Reads a file as it would be counted.
fn count(path: &Path, format: Format) {
    let genes = "chr1\t5000\t6000\tG1\t0\t+\nchr2\t100\t200\tG2\t0\t-\n";
    let mut bed = tempfile::NamedTempFile::new().unwrap();
    bed.write_all(genes.as_bytes()).unwrap();
    let genes = read_genes(bed.path(), AnnotationFormat::Bed, TssRule::Gene).unwrap();
    let chroms = WindowIndex::new(
        &Windows::around(genes.genes, Bins::default()),
        &ChromSizes::new(),
    );
    let mut counter = ReadCounter::new(path, &chroms, CountRule::default());
    let _ = read_alignments(path, format, &reading(), &mut |batch| counter.add(batch));
    let _ = counter.finish();
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn uncompressed_bam() -> Vec<u8> {
    let text = fs::read(golden("awkward.sam")).unwrap();
    let mut reader = noodles::sam::io::Reader::new(&text[..]);
    let header = reader.read_header().unwrap();
    let mut writer = noodles::bam::io::Writer::from(Vec::new());
    writer.write_header(&header).unwrap();
    for record in reader.record_bufs(&header) {
        use noodles::sam::alignment::io::Write;
        writer
            .write_alignment_record(&header, &record.unwrap())
            .unwrap();
    }
    writer.into_inner()
}

/// The bytes of the golden bigWig that say where its parts are: its header, the tree
/// of chromosomes and the index.
fn bigwig_structure() -> Vec<usize> {
    let bytes = fs::read(golden("signal.bw")).unwrap();
    let offset = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let (chroms, index) = (offset(8), offset(24));
    let index = index..(index + 12_000).min(bytes.len());
    (0..64).chain(chroms..chroms + 100).chain(index).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn bam(bytes in damaged(uncompressed_bam())) {
        // Damaged before it is compressed, so that no checksum tells.
        let mut bgzf = noodles::bgzf::io::Writer::new(Vec::new());
        bgzf.write_all(&bytes).unwrap();
        count(file(&bgzf.finish().unwrap()).path(), Format::Bam);
    }

    #[test]
    fn sam(bytes in damaged(fs::read(golden("awkward.sam")).unwrap())) {
        count(file(&bytes).path(), Format::Sam);
    }

    #[test]
    fn cram(bytes in damaged(fs::read(golden("awkward.cram")).unwrap())) {
        count(file(&bytes).path(), Format::Cram);
    }

    #[test]
    fn bedgraph(bytes in damaged(fs::read(golden("signal.bedGraph")).unwrap())) {
        let regions = |_: &str| vec![(0, 100_000)];
        let path = file(&bytes);
        let _ = read_values(path.path(), Format::BedGraph, &reading(), &regions, &mut |_| Ok(()));
    }

    #[test]
    fn bigwig(bytes in damaged(fs::read(golden("signal.bw")).unwrap())) {
        let regions = |_: &str| vec![(0, 100_000)];
        let path = file(&bytes);
        let _ = read_values(path.path(), Format::BigWig, &reading(), &regions, &mut |_| Ok(()));
    }

    #[test]
    fn bigwig_whose_index_is_damaged(
        at in prop::sample::select(bigwig_structure()),
        byte in any::<u8>(),
    ) {
        let mut bytes = fs::read(golden("signal.bw")).unwrap();
        bytes[at] = byte;
        let regions = |_: &str| vec![(0, 100_000)];
        let path = file(&bytes);
        let _ = read_values(path.path(), Format::BigWig, &reading(), &regions, &mut |_| Ok(()));
    }

    #[test]
    fn annotations_and_lists(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let path = file(&bytes);
        let path = path.path();
        for format in [AnnotationFormat::Gtf, AnnotationFormat::Gff3, AnnotationFormat::Bed] {
            let _ = read_genes(path, format, TssRule::Transcript);
        }
        let _ = AnnotationFormat::detect(path, Some(100));
        let _ = Format::detect(path);
        let _ = read_chrom_sizes(path);
        let _ = read_marks(path);
        let _ = read_samples(path, None, None);
    }

    #[test]
    fn almost_annotations(bytes in damaged(
        b"chr1\tx\tgene\t101\t200\t.\t+\t.\tID=gene:G1;gene_id=G1;tag=a,b\n\
          chr1\tx\tmRNA\t101\t200\t.\t+\t.\tID=T1;Parent=gene:G1;tag=basic,Ensembl_canonical\n\
          chr1\tx\tgene\t101\t200\t.\t-\t.\tgene_id \"G2\"; gene_name \"A\\\"B\"; tag \"x\"; tag \"y\";\n\
          mark\tpath\tcontrol\nH3K4me3\ta.bam\tb.bam\n".to_vec()
    )) {
        let path = file(&bytes);
        let path = path.path();
        for format in [AnnotationFormat::Gtf, AnnotationFormat::Gff3] {
            for rule in [TssRule::Gene, TssRule::Transcript] {
                let _ = read_genes(path, format, rule);
            }
        }
        let _ = read_marks(path);
    }
}

/// What is said of a BAM file of these bytes, uncompressed.
fn refused_bam(bytes: &[u8]) -> String {
    let mut bgzf = noodles::bgzf::io::Writer::new(Vec::new());
    bgzf.write_all(bytes).unwrap();
    let path = file(&bgzf.finish().unwrap());
    let read = read_alignments(path.path(), Format::Bam, &reading(), &mut |_| Ok(()));
    read.unwrap_err().to_string()
}

#[test]
fn bam_headers_may_claim_no_more_than_there_is() {
    let sequence = |size: u32, name: &[u8], length: u32| {
        [&size.to_le_bytes(), name, &length.to_le_bytes()].concat()
    };
    let bam = |sequences: &[Vec<u8>]| {
        let count = sequences.len() as u32;
        let head = [&b"BAM\x01"[..], &[0; 4], &count.to_le_bytes()].concat();
        [head, sequences.concat()].concat()
    };
    let sound = || sequence(5, b"chr1\0", 1000);
    for (bytes, part) in [
        (
            bam(&[sequence(3_404_039_756, b"chr1\0", 9)]),
            "name of 3404039756 bytes",
        ),
        (bam(&[sequence(5, b"chr12", 9)]), "without its end"),
        (bam(&[sequence(5, b"chr1\0", 0)]), "without bases"),
        (bam(&[sound(), sound()]), "stands twice"),
        // A record of 200 MB, of which there are four bytes.
        (
            [bam(&[sound()]), 200_000_000_u32.to_le_bytes().repeat(2)].concat(),
            "record 1",
        ),
    ] {
        let message = refused_bam(&bytes);
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn a_network_is_not_made_larger_than_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let tensor = NamedTensor {
        shape: vec![2],
        values: vec![0.5; 2],
    };
    write_tensors(&Tensors::from([("head.weight".into(), tensor)]), &path).unwrap();
    for method in Method::all() {
        let settings = Settings::of(method, Preset::Tuned);
        if settings.method.training().is_none() {
            continue;
        }
        for bins in [200, 4_000_000_000, i64::MAX as usize] {
            let size = DataSize {
                marks: 5,
                bins,
                cell_types: 2,
            };
            let message = FittedMethod::load(&path, &settings, size, None).unwrap_err();
            let message = message.to_string();
            assert!(message.contains("weights or more"), "{method}: {message}");
        }
    }
}

#[test]
fn members_of_an_ensemble_are_counted_from_one_without_gaps() {
    let tensor = |value: f32| NamedTensor {
        shape: vec![1],
        values: vec![value],
    };
    let named = |names: &[&str]| -> usize {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let names = names.iter().map(|name| (String::from(*name), tensor(1.0)));
        write_tensors(&names.collect(), &path).unwrap();
        WeightsFile::read(&path).unwrap().members().len()
    };
    assert_eq!(named(&["x", "y"]), 1);
    assert_eq!(named(&["member_1.x", "member_2.x", "member_3.x"]), 3);
    assert_eq!(named(&["member_1.x", "member_2.x", "member_4.x"]), 2);
    assert_eq!(named(&["member_2.x", "member_01.x"]), 1);
    // Each name was once looked at again for every member.
    let many: Vec<String> = (1..20_001)
        .map(|member| format!("member_{member}.x"))
        .collect();
    assert_eq!(
        named(&many.iter().map(String::as_str).collect::<Vec<_>>()),
        20_000
    );
}
