//! Reads and signal in bins, against other programs' answers on the same files.

mod common;

use std::{
    collections::HashMap,
    fs,
    io::{Read, Write},
    num::NonZero,
    path::{Path, PathBuf},
};

use epidelta::{
    annotation::{AnnotationFormat, Region, TssRule, read_regions},
    bins::{
        Bins, CountRule, CountedPart, Edges, MeanSignal, Missing, ReadCounter, StrandRule,
        WindowIndex, Windows,
    },
    dataset::{
        CellTypeFiles, Epigenome, Genes, GenesConfig, Orientation, PrepareConfig, Track, prepare,
    },
    genome::ChromSizes,
    input::Meter,
    signal::{Format, Pairing, ReadFilter, Reading, read_alignments, read_values},
};

fn reading() -> Reading {
    Reading {
        filter: ReadFilter::default(),
        reference: None,
        threads: NonZero::new(2).unwrap(),
        meter: Meter::default(),
    }
}

fn gunzip(path: &Path) -> String {
    let mut text = String::new();
    let file = fs::File::open(path).unwrap();
    let mut file = flate2::read::MultiGzDecoder::new(file);
    file.read_to_string(&mut text).unwrap();
    text
}

fn track(mark: &str, path: PathBuf) -> Track {
    Track {
        mark: mark.into(),
        path,
        control: None,
    }
}

/// The counts of H1 reads in the windows of 65 genes.
fn prepare_h1(folder: &Path, tracks: Vec<Track>, windows: PathBuf) -> Epigenome {
    let (regions, _) = read_regions(&windows).unwrap();
    let id = |name: &str| name.split('_').next().unwrap().to_owned();
    let rows: String = regions
        .iter()
        .map(|(_, region)| format!("{}\t1\n", id(region.name.as_ref().unwrap())))
        .collect();
    fs::write(folder.join("expression.tsv"), rows).unwrap();
    let genes = Genes::read(&GenesConfig {
        path: windows,
        format: None,
        types: Vec::new(),
        tss: TssRule::Gene,
        bins: Bins::default(),
        edges: Edges::Pad,
        chrom_sizes: None,
    })
    .unwrap();
    assert_eq!(genes.format(), AnnotationFormat::Windows);
    let files = CellTypeFiles {
        name: "H1".into(),
        tracks,
        expression: folder.join("expression.tsv"),
        expression_column: None,
    };
    let config = PrepareConfig {
        orientation: Orientation::Genome,
        ..PrepareConfig::default()
    };
    prepare(&files, &genes, &config).unwrap().0
}

#[test]
fn the_counts_of_bedtools_multicov_on_real_reads() {
    let Some(reads) = common::shared("data/reads-h1") else {
        return;
    };
    let bam = |name: &str| reads.join(format!("H1_{name}.chr1_1-5Mb.bam"));
    let tracks = vec![
        track("H3K4me3", bam("H3K4me3")),
        track("H3K4me1", bam("H3K4me1_rep1")),
        track("H3K27me3", bam("H3K27me3")),
    ];
    let folder = tempfile::tempdir().unwrap();
    let windows = reads.join("genes_chr1_1-5Mb.bed");
    let counted = prepare_h1(folder.path(), tracks, windows);
    let row: HashMap<&str, usize> = counted
        .genes
        .iter()
        .enumerate()
        .map(|(row, gene)| (gene.gene_id.as_str(), row))
        .collect();
    let mut checked = 0;
    for line in gunzip(&reads.join("multicov_100bp.tsv.gz")).lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let gene = row[fields[3].split('_').next().unwrap()];
        let bin: usize = fields[4].parse().unwrap();
        for (mark, field) in fields[6..].iter().enumerate() {
            let expected: f32 = field.parse().unwrap();
            let at = mark * counted.bins + bin;
            assert_eq!(counted.signal_of(gene)[at], expected, "{line}");
            checked += 1;
        }
    }
    assert_eq!(checked, 39_000);
}

/// Counts the reads of a file in one window that is cut into bins.
fn count_in(path: &Path, bed: &str, bins: Bins, rule: CountRule) -> Vec<u32> {
    count_with(path, bed, bins, rule, &reading())
}

fn count_with(path: &Path, bed: &str, bins: Bins, rule: CountRule, reading: &Reading) -> Vec<u32> {
    let mut file = tempfile::NamedTempFile::with_suffix(".bed").unwrap();
    file.write_all(bed.as_bytes()).unwrap();
    let (regions, _) = read_regions(file.path()).unwrap();
    let (windows, _) = Windows::of_regions(file.path(), regions, bins).unwrap();
    let chroms = WindowIndex::new(&windows, &ChromSizes::new());
    let mut counter = ReadCounter::new(path, &chroms, rule);
    let format = Format::detect(path).unwrap();
    read_alignments(path, format, reading, &mut |batch| counter.add(batch)).unwrap();
    counter.finish().unwrap().0
}

#[test]
fn the_count_matrix_of_epicseg() {
    let Some(reads) = common::shared("data/reads-h1") else {
        return;
    };
    let bins = Bins {
        size: 200,
        upstream: 0,
        downstream: 4_000_000,
    };
    let rule = CountRule {
        part: CountedPart::FivePrime,
        shift: 75,
        ..CountRule::default()
    };
    let matrix = fs::read_to_string(reads.join("countmatrix.txt")).unwrap();
    let mut lines = matrix.lines();
    // The published header has "H4K27me3".
    assert_eq!(lines.next(), Some("H3K4me3\tH3K4me1\tH4K27me3"));
    let rows: Vec<Vec<u32>> = lines
        .map(|line| line.split('\t').map(|n| n.parse().unwrap()).collect())
        .collect();
    assert_eq!(rows.len(), 20_000);
    for (column, mark) in [(0, "H3K4me3"), (2, "H3K27me3")] {
        let path = reads.join(format!("H1_{mark}.chr1_1-5Mb.bam"));
        let counts = count_in(&path, "chr1\t1000000\t5000000\tregion\t0\t+\n", bins, rule);
        let expected: Vec<u32> = rows.iter().map(|row| row[column]).collect();
        assert!(counts == expected, "{mark}");
    }
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// The columns of a golden table, by name.
fn columns(name: &str) -> HashMap<String, Vec<String>> {
    let text = fs::read_to_string(golden(name)).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t'));
    let names: Vec<&str> = lines.next().unwrap().collect();
    let mut columns: HashMap<String, Vec<String>> = HashMap::new();
    for line in lines {
        for (name, field) in names.iter().zip(line) {
            columns
                .entry((*name).to_owned())
                .or_default()
                .push(field.to_owned());
        }
    }
    columns
}

/// Counts the reads of a file in the bins of a golden BED, each bin a window.
fn count_golden(path: &Path, filter: ReadFilter, strand: StrandRule) -> Vec<u32> {
    let bed = fs::read_to_string(golden("multicov_regions.bed")).unwrap();
    let bins = Bins {
        size: 100,
        upstream: 0,
        downstream: 100,
    };
    let rule = CountRule {
        strand,
        ..CountRule::default()
    };
    let reading = Reading {
        filter,
        reference: Some(golden("reference.fa")),
        ..reading()
    };
    count_with(path, &bed, bins, rule, &reading)
}

#[test]
fn the_counts_of_bedtools_multicov_on_awkward_reads() {
    let expected = columns("multicov_expected.tsv");
    let expected = |column: &str| -> Vec<u32> {
        let values = expected[column].iter();
        values.map(|value| value.parse().unwrap()).collect()
    };
    let default = ReadFilter::default();
    let both = StrandRule::Both;
    // multicov counts unmapped reads that have a position; here they never count.
    assert_ne!(expected("default"), expected("default_with_unmapped"));
    let keep = |keep_duplicates, keep_qc_fail| ReadFilter {
        keep_duplicates,
        keep_qc_fail,
        ..default
    };
    let good = ReadFilter {
        min_mapping_quality: 30,
        ..default
    };
    let cases = [
        ("default", default, both),
        ("q30", good, both),
        ("D", keep(true, false), both),
        ("F", keep(false, true), both),
        ("D_F", keep(true, true), both),
        ("s", default, StrandRule::Same),
        ("S", default, StrandRule::Opposite),
    ];
    for (column, filter, strand) in cases {
        let counts = count_golden(&golden("awkward.sam"), filter, strand);
        assert_eq!(counts, expected(column), "{column}");
        assert_eq!(counts.len(), 160);
    }
}

/// The same reads in other files: as BAM in another order, compressed, as CRAM.
fn other_files(folder: &Path, sam: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(sam).unwrap();
    let mut reader = noodles::sam::io::Reader::new(text.as_bytes());
    let header = reader.read_header().unwrap();
    let mut records: Vec<_> = reader.record_bufs(&header).map(|r| r.unwrap()).collect();
    let mut paths = Vec::new();
    for name in ["sorted.bam", "unsorted.bam"] {
        let path = folder.join(name);
        let mut writer = noodles::bam::io::Writer::new(fs::File::create(&path).unwrap());
        writer.write_header(&header).unwrap();
        for record in &records {
            noodles::sam::alignment::io::Write::write_alignment_record(
                &mut writer,
                &header,
                record,
            )
            .unwrap();
        }
        writer.try_finish().unwrap();
        paths.push(path);
        records.reverse();
        let third = records.len() / 3;
        records.rotate_left(third);
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    paths.push(folder.join("reads.sam.gz"));
    fs::write(&paths[2], gzip.finish().unwrap()).unwrap();
    let mut bgzip = noodles::bgzf::io::Writer::new(Vec::new());
    bgzip.write_all(text.as_bytes()).unwrap();
    paths.push(folder.join("reads.sam.bgz"));
    fs::write(&paths[3], bgzip.finish().unwrap()).unwrap();
    paths
}

#[test]
fn the_same_reads_count_the_same_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let sam = golden("awkward.sam");
    let strict = ReadFilter {
        keep_secondary: false,
        keep_supplementary: false,
        min_mapping_quality: 20,
        ..ReadFilter::default()
    };
    let fragments = ReadFilter {
        pairing: Pairing::Fragment,
        ..ReadFilter::default()
    };
    for filter in [ReadFilter::default(), strict, fragments] {
        let expected = count_golden(&sam, filter, StrandRule::Both);
        assert!(expected.iter().sum::<u32>() > 50);
        let mut files = other_files(folder.path(), &sam);
        files.push(golden("awkward.cram"));
        files.push(golden("unsorted.cram"));
        for path in files {
            let counts = count_golden(&path, filter, StrandRule::Both);
            assert!(
                counts == expected,
                "{}: {counts:?}\n{expected:?}",
                path.display()
            );
        }
    }
}

#[test]
fn bed_and_tagalign_count_as_the_alignments_they_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let sam = golden("awkward.sam");
    let mut bed = String::from("track name=reads\n# a comment\n");
    read_alignments(&sam, Format::Sam, &reading(), &mut |batch| {
        for read in batch.items {
            let strand = read.strand.unwrap().symbol();
            let chrom = &batch.contigs[read.contig].name;
            bed += &format!("{chrom}\t{}\t{}\tN\t1000\t{strand}\n", read.start, read.end);
        }
        Ok(())
    })
    .unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bed.as_bytes()).unwrap();
    fs::write(folder.path().join("reads.bed"), &bed).unwrap();
    fs::write(
        folder.path().join("reads.tagAlign.gz"),
        gzip.finish().unwrap(),
    )
    .unwrap();
    for strand in [StrandRule::Both, StrandRule::Same] {
        let expected = count_golden(&sam, ReadFilter::default(), strand);
        for name in ["reads.bed", "reads.tagAlign.gz"] {
            let path = folder.path().join(name);
            assert_eq!(count_golden(&path, ReadFilter::default(), strand), expected);
        }
    }
}

/// Mean values of a file in windows of one bin.
fn means(path: &Path, regions: &[(String, i64, i64)], missing: Missing) -> Vec<f32> {
    let mut means = vec![0.0; regions.len()];
    let mut widths: Vec<i64> = regions.iter().map(|r| r.2 - r.1).collect();
    widths.sort_unstable();
    widths.dedup();
    for width in widths {
        let rows: Vec<usize> = (0..regions.len())
            .filter(|&row| regions[row].2 - regions[row].1 == width)
            .collect();
        let bins = Bins {
            size: width as u32,
            upstream: 0,
            downstream: width as u32,
        };
        let region = |&row: &usize| {
            let (chrom, start, end) = regions[row].clone();
            let name = Some(format!("region{row}"));
            (
                0,
                Region {
                    chrom,
                    start,
                    end,
                    name,
                    strand: None,
                },
            )
        };
        let list = rows.iter().map(region).collect();
        let (windows, _) = Windows::of_regions(path, list, bins).unwrap();
        let chroms = WindowIndex::new(&windows, &ChromSizes::new());
        let mut mean = MeanSignal::new(path, &chroms);
        let format = Format::detect(path).unwrap();
        let regions = |contig: &str| chroms.regions(contig);
        let reading = reading();
        read_values(path, format, &reading, &regions, &mut |batch| {
            mean.add(batch)
        })
        .unwrap();
        for (row, value) in rows.into_iter().zip(mean.finish(missing).unwrap().0) {
            means[row] = value;
        }
    }
    means
}

#[test]
fn the_means_of_pybigwig() {
    let table = columns("bigwig_expected.tsv");
    let number = |column: &str, row: usize| -> f64 { table[column][row].parse().unwrap() };
    let regions: Vec<(String, i64, i64)> = (0..table["chrom"].len())
        .map(|row| {
            let position = |column: &str| table[column][row].parse().unwrap();
            (
                table["chrom"][row].clone(),
                position("start"),
                position("end"),
            )
        })
        .collect();
    assert_eq!(regions.len(), 300);
    for file in ["signal.bw", "signal.bedGraph"] {
        for (missing, column) in [(Missing::Zero, "mean0"), (Missing::Skip, "mean")] {
            let found = means(&golden(file), &regions, missing);
            for (row, &value) in found.iter().enumerate() {
                let expected = number(column, row) as f32;
                let close = (value - expected).abs() <= 2e-7 * expected.abs().max(1e-3);
                assert!(
                    close,
                    "{file}, {column}, {:?}: {value} {expected}",
                    regions[row]
                );
            }
        }
    }
}

#[test]
fn proper_pairs_count_as_their_fragments() {
    // Fragments of 100 to 400 bp, their mates in any order in the file, and reads
    // outside proper pairs.
    let mut sam = String::from("@SQ\tSN:chr1\tLN:20000\n");
    let mut expected = vec![0; 160];
    let regions = fs::read_to_string(golden("multicov_regions.bed")).unwrap();
    for pair in 0..200_i64 {
        let (start, length) = ((pair * 89) % 15_000, 100 + pair);
        let (end, forward_first) = (start + length, pair % 2 == 0);
        let mate = |left: bool| {
            let first = left == forward_first;
            let flags =
                0x1 | 0x2 | if left { 0x20 } else { 0x10 } | if first { 0x40 } else { 0x80 };
            let (own, other) = if left {
                (start, end - 30)
            } else {
                (end - 30, start)
            };
            let length = if left { length } else { -length };
            let place = format!("chr1\t{}\t60\t30M\t=\t{}", own + 1, other + 1);
            format!(
                "p{pair}\t{flags}\t{place}\t{length}\t{}\t*\n",
                "A".repeat(30)
            )
        };
        sam += &(mate(pair % 3 == 0) + &mate(pair % 3 != 0));
        sam += &format!("q{pair}\t65\tchr1\t{}\t60\t30M\t=\t9\t0\t*\t*\n", start + 1);
        for (bin, region) in regions.lines().enumerate() {
            let fields: Vec<&str> = region.split('\t').collect();
            let position = |field: usize| fields[field].parse::<i64>().unwrap();
            if fields[0] == "chr1" && start < position(2) && position(1) < end {
                expected[bin] += 1;
            }
        }
    }
    let mut file = tempfile::NamedTempFile::with_suffix(".sam").unwrap();
    file.write_all(sam.as_bytes()).unwrap();
    let fragments = ReadFilter {
        pairing: Pairing::Fragment,
        ..ReadFilter::default()
    };
    let counts = count_golden(file.path(), fragments, StrandRule::Both);
    assert_eq!(counts, expected);
    assert!(expected.iter().sum::<u32>() > 100);
}

#[test]
fn a_bam_record_that_claims_no_bytes_or_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = noodles::bgzf::io::Writer::new(Vec::new());
    // A header of text that no parser takes, one sequence of 20,000 bp.
    file.write_all(b"BAM\x01\x04\0\0\0@HD\t").unwrap();
    file.write_all(b"\x01\0\0\0\x05\0\0\0chr1\0\x20\x4e\0\0")
        .unwrap();
    let header = file.finish().unwrap();
    let header = &header[..header.len() - 28];
    for size in [0_u32, 1, u32::MAX] {
        let mut record = noodles::bgzf::io::Writer::new(Vec::new());
        record.write_all(&size.to_le_bytes()).unwrap();
        record.write_all(&[0; 64]).unwrap();
        let path = folder.path().join("x.bam");
        fs::write(&path, [header, &record.finish().unwrap()].concat()).unwrap();
        let read = read_alignments(&path, Format::Bam, &reading(), &mut |_| Ok(()));
        let message = read.unwrap_err().to_string();
        assert!(message.contains("record 1"), "{message}");
    }
}
