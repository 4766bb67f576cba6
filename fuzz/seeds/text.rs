//! Annotations, tables and lists.

use std::{fs, io::Read};

use crate::{Corpus, first_lines, shared};

const GTF: &[u8] = b"#!genome-build GRCh37\n\
chr1\tx\tgene\t101\t200\t.\t+\t.\tgene_id \"G1.2\"; gene_type \"protein_coding\"; gene_name \"A\\\"B\"; tag \"x\"; tag \"y\";\n\
chr1\tx\ttranscript\t101\t200\t.\t+\t.\tgene_id \"G1.2\"; transcript_id \"T1\"; tag \"basic\"; tag \"Ensembl_canonical\"; level 1;\n\
chr1\tx\texon\t101\t150\t0.5\t+\t0\tgene_id \"G1.2\"; transcript_id \"T1\"; exon_number 1;\n\
chr2\tx\ttranscript\t500\t900\t.\t-\t.\tgene_id \"G2\"; transcript_id \"T2\"; tag \"appris_principal_1\";\n";

const GFF3: &[u8] = b"##gff-version 3\n\
chr1\tx\tgene\t101\t200\t.\t+\t.\tID=gene:G1;gene_id=G1;Name=A%3BB;biotype=protein_coding\n\
chr1\tx\tmRNA\t101\t200\t.\t+\t.\tID=T1;Parent=gene:G1;tag=basic,Ensembl_canonical\n\
chr1\tx\texon\t101\t150\t.\t+\t.\tID=E1;Parent=T1\n\
chr1\tx\tncRNA_gene\t300\t400\t.\t-\t.\tID=gene:G2\n###\n##FASTA\n>chr1\nACGT\n";

const BED: &[u8] = b"track name=x\nchr1\t100\t200\tG1\t0\t+\nchr2\t5000\t5001\tG2\t.\t-\n";
const WINDOWS: &[u8] = b"chr1\t100\t200\tG1\t0\t+\nchr2\t5000\t5100\tG2\t0\t-\n";

const TABLES: [(&str, u8, &[u8]); 17] = [
    ("counts", 0, b"gene_id\tE003\tE004\nENSG01.1\t3\t0\nENSG02\t1.5\t2e3\n"),
    ("htseq", 0, b"ENSG01\t3\nENSG02\t5\n__no_feature\t7\n"),
    ("csv", 0, b"gene,symbol,E003\nENSG01,\"A\",3\nENSG02,B,5\n"),
    ("feature-counts", 0, b"# Program:featureCounts v2\nGeneid\tChr\tStart\tEnd\tStrand\tLength\ta.bam\nENSG01\tchr1;chr1\t1;5\t3;9\t+;+\t8\t12\n"),
    ("salmon", 0, b"Name\tLength\tEffectiveLength\tTPM\tNumReads\nENSG01\t100\t90.5\t3.5\t12\n"),
    ("rsem", 0, b"gene_id\ttranscript_id(s)\tlength\teffective_length\texpected_count\tTPM\tFPKM\nENSG01\tT1,T2\t100\t90\t5.00\t3\t2\n"),
    ("star", 1, b"N_unmapped\t1\t2\t3\nN_multimapping\t1\t2\t3\nENSG01\t3\t1\t2\n"),
    ("deseq2", 2, b"\"\",\"baseMean\",\"log2FoldChange\",\"padj\"\n\"ENSG01\",10.5,-1.25,0.01\n\"ENSG02\",0,NA,NA\n"),
    ("limma", 2, b"logFC\tAveExpr\tt\nENSG01\t1.5\t3\t4\nENSG02\t-inf\t3\t4\n"),
    ("sizes", 3, b"chr1\t249250621\nchr2\t243199373\n#x\nchrM\t16571\n"),
    ("fai", 3, b"chr1\t12000\t6\t60\t61\n"),
    ("marks", 4, b"mark\tpath\tcontrol\nH3K4me3\ta.bam\tb.bam\nH3K27me3\tc.bw\t\n"),
    ("samples", 5, b"cell_type\tmark\tpath\tcontrol\texpression\texpression_column\nE003\tH3K4me3\ta.bam\tb.bam\ttable.tsv\tE003\nE004\tH3K4me3\tb.bam\t\ttable.tsv\tE004\nE004\tH3K27me3\tc.bw\n"),
    ("samples-short", 6, b"# a list\ncell_type\tpath\tmark\nE003\ta.bam\tH3K4me3\n"),
    ("pairs", 7, b"a\tb\nA.parquet\tB.parquet\nB.parquet\tC.parquet\n"),
    ("pairs-csv", 7, b"b,a\nA.parquet,B.parquet\n"),
    ("quoted", 4, b"\"mark\",\"path\"\r\n\"H3K4me3\",\"a.bam\"\r\n"),
];

const STUDIES: [(&str, &str); 3] = [
    (
        "small",
        "pairs = [[\"A\", \"B\"]]\nmethods = [\"ridge\"]\n[cell_types]\nA = \"A.parquet\"\nB = \"B.parquet\"\n",
    ),
    (
        "labelled",
        "seeds = [1, 2]\npreset = \"reference\"\nbaselines = [\"two-layer-svr\"]\n\
         pairs = [[\"B\", \"A\"], { a = \"A\", b = \"B\", labels = \"labels.tsv\", label_column = \"logFC\" }]\n\
         methods = [\"two-layer-svr\", { name = \"slow\", method = \"raw\", preset = \"tuned\", set = { training.learning_rate = 1e-4 } }]\n\
         [cell_types]\nA = \"A.parquet\"\nB = \"B.parquet\"\n\
         [settings]\ntraining.epochs = 30\nsplit.seed = 7\n",
    ),
    (
        "tuned",
        "pairs = [[\"A\", \"B\"]]\n\
         methods = [\"raw\", { name = \"all\", method = \"epidelta\", trained_on = \"all-pairs\" }, { name = \"new\", method = \"epidelta\", trained_on = \"other-cell-types\" }]\n\
         [cell_types]\nA = \"A.parquet\"\nB = \"B.parquet\"\n\
         [tune.raw]\ntraining.learning_rate = [1e-3, 1e-4]\nmodel.dropout = [0.0, 0.5]\n",
    ),
];

pub(crate) fn add(corpus: &Corpus) {
    let annotations: [(&str, u8, &[u8]); 8] = [
        ("gtf", 0, GTF),
        ("gtf-transcripts", 8, GTF),
        ("gff3", 1, GFF3),
        ("gff3-transcripts", 9, GFF3),
        ("bed", 2, BED),
        ("windows", 3, WINDOWS),
        ("windows-detected", 4, WINDOWS),
        ("detected", 5, GFF3),
    ];
    for (name, choice, bytes) in annotations {
        corpus.add_as("annotation", name, choice, bytes);
    }
    for (name, choice, bytes) in TABLES {
        corpus.add_as("tables", name, choice, bytes);
    }
    for (name, text) in STUDIES {
        corpus.add("study", name, text.as_bytes());
    }
    let expression = b"G1,153\nG2,2\n";
    let train = b"G1_A_1,1,0\nG1_A_2,3,1\n";
    let valid = b"G2_B.1_1,0,0\nG2_B.1_2,5,7\n";
    let parts: [&[u8]; 4] = [expression, train, valid, GTF];
    corpus.add("deepdiff", "annotated", &parts.join(&0));
    corpus.add("deepdiff", "two", &parts[..3].join(&0));
    corpus.add("deepdiff", "one", &parts[..2].join(&0));
    add_shared(corpus);
}

/// The beginning of real files.
fn add_shared(corpus: &Corpus) {
    let text = |name: &str, lines: usize| -> Option<Vec<u8>> {
        let bytes = fs::read(shared(name)?).expect("a file that can be read");
        let mut text = Vec::new();
        match bytes.starts_with(&[0x1f, 0x8b]) {
            true => {
                let mut inflated = flate2::read::MultiGzDecoder::new(&bytes[..]).take(1 << 16);
                inflated.read_to_end(&mut text).expect("gzip");
            }
            false => text = bytes,
        }
        Some(first_lines(&text, lines))
    };
    let cuts = [
        (
            "annotation",
            "gencode",
            0,
            "genes/gencode_10_genes.gtf.gz",
            8,
        ),
        (
            "annotation",
            "deepdiff-windows",
            3,
            "genes/deepdiff_windows.bed",
            8,
        ),
        ("tables", "hg19", 3, "genes/hg19.chrom.sizes", 30),
        (
            "tables",
            "remc",
            0,
            "remc-expression/57epigenomes.N.pc.gz",
            6,
        ),
    ];
    for (target, name, choice, file, lines) in cuts {
        if let Some(bytes) = text(file, lines) {
            corpus.add_as(target, name, choice, &bytes);
        }
    }
    let expression = text("deepdiff-sample/Cell1.expr.csv", 20_000);
    let (Some(expression), Some(signal)) = (expression, text("deepdiff-sample/Cell1.train.csv", 5))
    else {
        return;
    };
    // The expression of the one gene, and two of its five marks.
    let gene = &signal[..15];
    let lines = expression.split_inclusive(|&byte| byte == b'\n');
    let of_gene: Vec<u8> = lines
        .filter(|line| line.starts_with(gene))
        .flatten()
        .copied()
        .collect();
    let signal = signal.split(|&byte| byte == b'\n').flat_map(|line| {
        let fields = line.split(|&byte| byte == b',').take(3);
        [fields.collect::<Vec<_>>().join(&b','), b"\n".to_vec()].concat()
    });
    let signal: Vec<u8> = signal.collect();
    corpus.add("deepdiff", "sample", &[of_gene, signal].join(&0));
}
