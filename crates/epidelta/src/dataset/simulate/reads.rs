//! The simulation as the files that a lab has: reads, an annotation and counts.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    num::NonZero,
    path::Path,
};

use noodles::{
    bam,
    core::Position,
    sam::{
        self,
        alignment::{
            RecordBuf,
            io::Write as _,
            record::{Flags, MappingQuality, cigar::op::Kind},
            record_buf::QualityScores,
        },
        header::record::value::{
            Map,
            map::{self, ReferenceSequence, header::tag},
        },
    },
};
use rand::RngExt;
use rayon::prelude::*;

use super::{CHROMS, FIRST_TSS, Simulated, TSS_SPACING};
use crate::{
    dataset::epigenome::Epigenome,
    error::{Error, Result},
    genome::Strand,
    output::write_atomically,
    random::{Purpose, generator},
};

/// Length of a read, bp.
const READ_LENGTH: usize = 36;
/// Share of reads that stand in the file once more, flagged as duplicates.
const DUPLICATES: f64 = 0.05;
/// Length of a gene, bp.
const GENE_LENGTH: i64 = 12_000;

/// A read of a BAM file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Read {
    chrom: usize,
    start: i64,
    reverse: bool,
    duplicate: bool,
}

impl Simulated {
    /// Writes the simulation as files that a lab has into a folder:
    /// `reads/CELL_MARK.bam` (sorted, without index), `genes.gtf`, `counts.tsv`
    /// (gene_id, and the reads of each cell type), and the lists of the files for
    /// `epidelta prepare`: `samples.tsv` of all cell types, `CELL.marks.tsv` of each.
    ///
    /// The 5' ends of the reads that are no duplicates lie in the bins as in the
    /// simulated epigenomes, so that counting these gives the same numbers.
    ///
    /// # Errors
    /// When windows are so wide that those of neighbouring genes overlap, or a file
    /// cannot be written.
    pub fn write_reads(&self, folder: &Path, seed: u64) -> Result<()> {
        let Some(first) = self.cells.first() else {
            return Ok(());
        };
        let width = u64::from(first.metadata.upstream) + u64::from(first.metadata.downstream);
        if width > TSS_SPACING as u64 {
            return Err(Error::setting(
                "--reads",
                format!("windows of {width} bp overlap, the genes being {TSS_SPACING} bp apart"),
                "Make the windows smaller with --bins or --bin-size",
            ));
        }
        let reads = folder.join("reads");
        fs::create_dir_all(&reads).map_err(Error::io("create", &reads))?;
        let files: Vec<(&Epigenome, usize)> = self
            .cells
            .iter()
            .flat_map(|cell| (0..cell.marks.len()).map(move |mark| (cell, mark)))
            .collect();
        files
            .par_iter()
            .enumerate()
            .map(|(file, &(cell, mark))| {
                let path = folder.join(file_of(cell, mark));
                write_bam(&path, cell, mark, seed, file as u64).map_err(Error::io("write", path))
            })
            .collect::<Result<()>>()?;
        write_atomically(&folder.join("samples.tsv"), false, |out| {
            writeln!(out, "cell_type\tmark\tpath")?;
            for &(cell, mark) in &files {
                let name = &cell.metadata.cell_type;
                writeln!(out, "{name}\t{}\t{}", cell.marks[mark], file_of(cell, mark))?;
            }
            Ok(())
        })?;
        for cell in &self.cells {
            let list = format!("{}.marks.tsv", cell.metadata.cell_type);
            write_atomically(&folder.join(list), false, |out| {
                writeln!(out, "mark\tpath")?;
                for (mark, name) in cell.marks.iter().enumerate() {
                    writeln!(out, "{name}\t{}", file_of(cell, mark))?;
                }
                Ok(())
            })?;
        }
        write_atomically(&folder.join("genes.gtf"), false, |out| {
            write_gtf(out, first)
        })?;
        write_atomically(&folder.join("counts.tsv"), false, |out| {
            let names = self
                .cells
                .iter()
                .map(|cell| cell.metadata.cell_type.as_str());
            writeln!(out, "gene_id\t{}", names.collect::<Vec<_>>().join("\t"))?;
            for (row, gene) in first.genes.iter().enumerate() {
                write!(out, "{}", gene.gene_id)?;
                for cell in &self.cells {
                    write!(out, "\t{}", cell.genes[row].expression)?;
                }
                writeln!(out)?;
            }
            Ok(())
        })
    }
}

fn file_of(cell: &Epigenome, mark: usize) -> String {
    format!("reads/{}_{}.bam", cell.metadata.cell_type, cell.marks[mark])
}

fn write_gtf(out: &mut impl Write, cell: &Epigenome) -> io::Result<()> {
    writeln!(out, "##description: simulated genes")?;
    for gene in &cell.genes {
        let (Some(chrom), Some(tss), Some(strand)) = (&gene.chrom, gene.tss, gene.strand) else {
            continue;
        };
        // GTF is 1-based and inclusive.
        let (start, end) = match strand {
            Strand::Forward => (tss + 1, tss + GENE_LENGTH),
            Strand::Reverse => (tss + 2 - GENE_LENGTH, tss + 1),
        };
        let (id, strand) = (&gene.gene_id, strand.symbol());
        let name = gene.gene_name.as_deref().unwrap_or(id);
        for feature in ["gene", "transcript"] {
            let transcript = match feature {
                "gene" => String::new(),
                _ => format!(" transcript_id \"{id}.T1\";"),
            };
            writeln!(
                out,
                "{chrom}\tepidelta\t{feature}\t{start}\t{end}\t.\t{strand}\t.\tgene_id \"{id}\";\
                 {transcript} gene_type \"protein_coding\"; gene_name \"{name}\";"
            )?;
        }
    }
    Ok(())
}

/// The reads of a mark, sorted: as many 5' ends in each bin as the bin has reads.
fn draw_reads(cell: &Epigenome, mark: usize, seed: u64, file: u64) -> Vec<Read> {
    let mut generator = generator(seed, Purpose::Reads, file);
    let (bins, size) = (cell.bins, i64::from(cell.metadata.bin_size));
    let (upstream, length) = (i64::from(cell.metadata.upstream), READ_LENGTH as i64);
    let mut reads = Vec::new();
    for (row, gene) in cell.genes.iter().enumerate() {
        let (Some(tss), Some(strand)) = (gene.tss, gene.strand) else {
            continue;
        };
        for (bin, &count) in cell.signal_of(row)[mark * bins..][..bins]
            .iter()
            .enumerate()
        {
            for _ in 0..count as u64 {
                let offset = bin as i64 * size + generator.random_range(0..size) - upstream;
                let five_prime = match strand {
                    Strand::Forward => tss + offset,
                    Strand::Reverse => tss - offset,
                };
                let reverse = generator.random_bool(0.5);
                let read = Read {
                    chrom: row % CHROMS,
                    start: if reverse {
                        five_prime + 1 - length
                    } else {
                        five_prime
                    },
                    reverse,
                    duplicate: false,
                };
                reads.push(read);
                if generator.random_bool(DUPLICATES) {
                    reads.push(Read {
                        duplicate: true,
                        ..read
                    });
                }
            }
        }
    }
    reads.sort_unstable();
    reads
}

fn write_bam(path: &Path, cell: &Epigenome, mark: usize, seed: u64, file: u64) -> io::Result<()> {
    let genes_per_chrom = cell.genes.len().div_ceil(CHROMS) as i64;
    let length = FIRST_TSS + TSS_SPACING * (genes_per_chrom + 20);
    let length = usize::try_from(length).ok().and_then(NonZero::new);
    let length = length.ok_or_else(|| io::Error::other("a chromosome without length"))?;
    let sorted = Map::<map::Header>::builder().insert(tag::SORT_ORDER, "coordinate");
    let mut header = sam::Header::builder().set_header(sorted.build().map_err(io::Error::other)?);
    for chrom in 0..CHROMS {
        let sequence = Map::<ReferenceSequence>::new(length);
        header = header.add_reference_sequence(format!("chr{}", chrom + 1), sequence);
    }
    let header = header.build();
    let mut writer = bam::io::Writer::new(BufWriter::new(File::create(path)?));
    writer.write_header(&header)?;
    let mut bases = generator(seed, Purpose::Reads, file | 1 << 32);
    let label = format!("{}:{}", cell.metadata.cell_type, cell.marks[mark]);
    let quality = MappingQuality::new(42).ok_or_else(|| io::Error::other("a mapping quality"))?;
    for (number, read) in draw_reads(cell, mark, seed, file).into_iter().enumerate() {
        let mut flags = Flags::empty();
        flags.set(Flags::REVERSE_COMPLEMENTED, read.reverse);
        flags.set(Flags::DUPLICATE, read.duplicate);
        let start = usize::try_from(read.start + 1).map_err(io::Error::other)?;
        let sequence: Vec<u8> = (0..READ_LENGTH)
            .map(|_| b"ACGT"[bases.random_range(0..4)])
            .collect();
        let cigar = [sam::alignment::record::cigar::Op::new(
            Kind::Match,
            READ_LENGTH,
        )];
        let record = RecordBuf::builder()
            .set_name(format!("{label}:{number}"))
            .set_flags(flags)
            .set_reference_sequence_id(read.chrom)
            .set_alignment_start(Position::try_from(start).map_err(io::Error::other)?)
            .set_mapping_quality(quality)
            .set_cigar(cigar.into_iter().collect())
            .set_sequence(sequence.into())
            .set_quality_scores(QualityScores::from(vec![40; READ_LENGTH]))
            .build();
        writer.write_alignment_record(&header, &record)?;
    }
    writer.into_inner().finish()?.flush()
}
