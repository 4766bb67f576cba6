//! Counts beside those of `bedtools multicov` on random reads with every awkward
//! CIGAR, flag and position. Needs bedtools: the program that `EPIDELTA_BEDTOOLS`
//! names, which must then run, or the one in the path; without it the test says
//! on stderr that it was skipped.

use std::{fmt::Write, fs, num::NonZero, path::Path, process::Command};

use epidelta::{
    annotation::Gene,
    bins::{Bins, CountRule, ReadCounter, StrandRule, WindowIndex, Windows},
    genome::{ChromSizes, Strand},
    input::Meter,
    signal::{Format, ReadFilter, Reading, read_alignments},
};
use noodles::{bam, sam, sam::alignment::io::Write as _};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

const CHROMS: [(&str, i64); 2] = [("chr1", 30_000), ("chr2", 3_000)];
const READS: usize = 2_000;
const GENES: usize = 40;

fn bedtools() -> Option<String> {
    let named = std::env::var("EPIDELTA_BEDTOOLS").ok();
    let program = named.clone().unwrap_or_else(|| "bedtools".into());
    let runs = Command::new(&program).arg("--version").output();
    match (runs.is_ok_and(|output| output.status.success()), named) {
        (true, _) => Some(program),
        (false, Some(named)) => panic!("{named}, named by EPIDELTA_BEDTOOLS, does not run"),
        (false, None) => {
            eprintln!("skipped: there is no bedtools in the path");
            None
        }
    }
}

/// A random CIGAR, and the bases that it takes of the reference and of the read.
fn cigar(random: &mut ChaCha8Rng) -> (String, i64, usize) {
    let mut text = String::new();
    let (mut of_reference, mut of_read) = (0, 0);
    let inner = random.random_range(1..6);
    let mut operations: Vec<char> = (0..inner)
        .map(|_| *b"MMM=XIDNP".choose(random).unwrap() as char)
        .collect();
    if random.random_bool(0.3) {
        operations.insert(0, 'S');
    }
    if random.random_bool(0.3) {
        operations.push('S');
    }
    if random.random_bool(0.1) {
        operations.insert(0, 'H');
    }
    for operation in operations {
        let longest = if operation == 'N' { 3_000 } else { 30 };
        let length = random.random_range(1..=longest);
        if "M=XDN".contains(operation) {
            of_reference += length;
        }
        if "M=XIS".contains(operation) {
            of_read += length as usize;
        }
        write!(text, "{length}{operation}").unwrap();
    }
    (text, of_reference, of_read)
}

/// Sorted SAM text of random reads.
fn random_sam(random: &mut ChaCha8Rng) -> String {
    let mut reads: Vec<(usize, i64, String)> = Vec::new();
    while reads.len() < READS {
        let chrom = usize::from(random.random_bool(0.2));
        let (name, size) = CHROMS[chrom];
        let (cigar, of_reference, of_read) = cigar(random);
        if of_reference > size || of_read == 0 {
            continue;
        }
        // Many reads at the very ends of the chromosome.
        let last = size - of_reference;
        let start = match random.random_range(0..10) {
            0 => 0,
            1 => last,
            _ => random.random_range(0..=last),
        };
        let mut flags = 0;
        for (flag, share) in [
            (0x10, 0.5),
            (0x100, 0.05),
            (0x200, 0.05),
            (0x400, 0.1),
            (0x800, 0.05),
        ] {
            if random.random_bool(share) {
                flags |= flag;
            }
        }
        let quality = *[0, 9, 10, 11, 60, 255].choose(random).unwrap();
        let sequence = "A".repeat(of_read);
        let line = format!(
            "r{}\t{flags}\t{name}\t{}\t{quality}\t{cigar}\t*\t0\t0\t{sequence}\t*\n",
            reads.len(),
            start + 1
        );
        reads.push((chrom, start, line));
    }
    reads.sort();
    let mut text = String::from("@HD\tVN:1.6\tSO:coordinate\n");
    for (name, size) in CHROMS {
        writeln!(text, "@SQ\tSN:{name}\tLN:{size}").unwrap();
    }
    text.extend(reads.into_iter().map(|(_, _, line)| line));
    text
}

fn write_indexed_bam(sam: &str, path: &Path) {
    let mut reader = sam::io::Reader::new(sam.as_bytes());
    let header = reader.read_header().unwrap();
    let mut writer = bam::io::Writer::new(fs::File::create(path).unwrap());
    writer.write_header(&header).unwrap();
    for record in reader.record_bufs(&header) {
        writer
            .write_alignment_record(&header, &record.unwrap())
            .unwrap();
    }
    writer.try_finish().unwrap();
    let bam::Index::Bai(index) = bam::fs::index(path).unwrap() else {
        panic!("an index that bedtools does not read");
    };
    bam::bai::fs::write(path.with_extension("bam.bai"), &index).unwrap();
}

fn random_windows(random: &mut ChaCha8Rng) -> Windows {
    let genes = (0..GENES).map(|id| {
        let (chrom, size) = CHROMS[usize::from(random.random_bool(0.2))];
        Gene {
            id: format!("G{id}"),
            name: None,
            gene_type: None,
            chrom: chrom.into(),
            tss: random.random_range(600..size - 600),
            strand: match random.random_bool(0.5) {
                true => Strand::Forward,
                false => Strand::Reverse,
            },
        }
    });
    let bins = Bins {
        size: 50,
        upstream: 500,
        downstream: 500,
    };
    Windows::around(genes.collect(), bins)
}

/// A BED row per bin, in the order of the counts.
fn bins_as_bed(windows: &Windows) -> String {
    let size = i64::from(windows.bins.size);
    let mut bed = String::new();
    for window in &windows.list {
        for bin in 0..windows.bins.count() as i64 {
            let start = window.start + bin * size;
            let strand = window.strand.unwrap().symbol();
            let end = start + size;
            writeln!(bed, "{}\t{start}\t{end}\tx\t0\t{strand}", window.chrom).unwrap();
        }
    }
    bed
}

#[test]
fn random_reads_count_as_in_bedtools_multicov() {
    let Some(bedtools) = bedtools() else {
        return;
    };
    let keep = |keep_duplicates, keep_qc_fail, min_mapping_quality| ReadFilter {
        keep_duplicates,
        keep_qc_fail,
        min_mapping_quality,
        ..ReadFilter::default()
    };
    let cases: [(&[&str], ReadFilter, StrandRule); 5] = [
        (&[], keep(false, false, 0), StrandRule::Both),
        (&["-q", "10"], keep(false, false, 10), StrandRule::Both),
        (&["-D", "-F"], keep(true, true, 0), StrandRule::Both),
        (&["-s"], keep(false, false, 0), StrandRule::Same),
        (&["-S", "-D"], keep(true, false, 0), StrandRule::Opposite),
    ];
    for seed in 0..5 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let folder = tempfile::tempdir().unwrap();
        let (path, bed) = (
            folder.path().join("reads.bam"),
            folder.path().join("bins.bed"),
        );
        write_indexed_bam(&random_sam(&mut random), &path);
        let windows = random_windows(&mut random);
        fs::write(&bed, bins_as_bed(&windows)).unwrap();
        for (options, filter, strand) in cases {
            let output = Command::new(&bedtools)
                .args(["multicov", "-bams"])
                .arg(&path)
                .arg("-bed")
                .arg(&bed)
                .args(options)
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
            let expected: Vec<u32> = String::from_utf8(output.stdout)
                .unwrap()
                .lines()
                .map(|line| line.rsplit('\t').next().unwrap().parse().unwrap())
                .collect();
            assert_eq!(expected.len(), GENES * 20);
            assert!(expected.iter().sum::<u32>() > 1_000);

            let chroms = WindowIndex::new(&windows, &ChromSizes::new());
            let rule = CountRule {
                strand,
                ..CountRule::default()
            };
            let mut counter = ReadCounter::new(&path, &chroms, rule);
            let reading = Reading {
                filter,
                reference: None,
                threads: NonZero::new(2).unwrap(),
                meter: Meter::default(),
            };
            read_alignments(&path, Format::Bam, &reading, &mut |batch| {
                counter.add(batch)
            })
            .unwrap();
            assert!(
                counter.finish().unwrap().0 == expected,
                "{options:?}, seed {seed}"
            );
        }
    }
}
