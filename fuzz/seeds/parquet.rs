//! `epigenome.parquet` and `truth.parquet` as they are written, and again without compression
//! and without a checksum of their own, so that damage reaches what is behind these.

use std::{collections::HashMap, fs, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use epidelta::dataset::{Epigenome, Simulated, SimulationConfig, simulate, write_epigenome};
use epidelta_fuzz::{BINS, folder};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::Compression,
    file::properties::{EnabledStatistics, WriterProperties, WriterVersion},
};

use crate::Corpus;

pub(crate) fn add(corpus: &Corpus) {
    let config = SimulationConfig {
        genes: 6,
        bins: 4,
        ..SimulationConfig::default()
    };
    let mut counts: Epigenome = simulate(&config).expect("a simulation").cells.remove(0);
    let marks: Vec<usize> = vec![0, 1];
    counts = with_marks(&counts, &marks);
    let mut fractions = counts.clone();
    fractions.signal.iter_mut().for_each(|value| *value += 0.25);
    fractions.genes[0].gene_name = None;
    fractions.genes[1].tss = None;
    for (name, epigenome) in [("counts", &counts), ("fractions", &fractions)] {
        let path = folder().join("seed.parquet");
        write_epigenome(epigenome, &path, true).expect("an epigenome");
        add_rewritten(corpus, "epigenome", name, &fs::read(&path).expect("a file"));
    }
    let truth: Simulated = simulate(&SimulationConfig {
        genes: 6,
        bins: BINS,
        ..config
    })
    .expect("a simulation");
    let path = folder().join("seed-truth.parquet");
    truth.write_truth(&path, true).expect("a truth");
    add_rewritten(corpus, "truth", "truth", &fs::read(&path).expect("a file"));
}

/// An epigenome with some of its marks.
fn with_marks(all: &Epigenome, marks: &[usize]) -> Epigenome {
    let rows = 0..all.genes.len() * all.marks.len();
    let kept = rows.filter(|row| marks.contains(&(row % all.marks.len())));
    Epigenome {
        signal: kept
            .flat_map(|row| all.signal[row * all.bins..][..all.bins].to_vec())
            .collect(),
        marks: marks.iter().map(|&mark| all.marks[mark].clone()).collect(),
        ..all.clone()
    }
}

fn add_rewritten(corpus: &Corpus, target: &str, name: &str, bytes: &[u8]) {
    corpus.add(target, name, bytes);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::copy_from_slice(bytes));
    let batches: Vec<RecordBatch> = reader
        .and_then(|reader| reader.build())
        .expect("a Parquet file")
        .collect::<Result<_, _>>()
        .expect("a Parquet file");
    let plain = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_statistics_enabled(EnabledStatistics::None);
    let ways = [
        ("plain", plain.clone().set_dictionary_enabled(false)),
        ("dictionary", plain.clone()),
        (
            "version-2",
            plain.clone().set_writer_version(WriterVersion::PARQUET_2_0),
        ),
        ("snappy", plain.clone().set_compression(Compression::SNAPPY)),
        ("lz4", plain.set_compression(Compression::LZ4_RAW)),
    ];
    for (way, properties) in ways {
        let known = batches[0].schema();
        let metadata: HashMap<String, String> = known
            .metadata()
            .iter()
            .filter(|(key, _)| {
                !key.contains("sha256") && !key.contains("checksum") && !key.contains("provenance")
            })
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let schema = Arc::new(Schema::new_with_metadata(known.fields().clone(), metadata));
        let mut written = Vec::new();
        let mut writer =
            ArrowWriter::try_new(&mut written, Arc::clone(&schema), Some(properties.build()))
                .expect("a writer");
        for batch in &batches {
            let batch = RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec());
            writer
                .write(&batch.expect("the same columns"))
                .expect("memory takes all");
        }
        writer.close().expect("memory takes all");
        corpus.add(target, &format!("{name}-{way}"), &written);
    }
}
