//! `epidelta prepare` as its users run it: from reads, annotation and expression
//! to a trained model, and what it says of files that are not as they should be.

mod common;

use std::io::Write;

use common::Workplace;

/// A simulated experiment of two cell types: `sim/` with reads, `genes.gtf`,
/// `counts.tsv` and `samples.tsv`.
fn simulated() -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 66 --bins 20 --bin-size 500 --reads -o sim");
    workplace
}

const GENES: &str = "--genes sim/genes.gtf --expression sim/counts.tsv --bin-size 500";

/// A small experiment of one cell type in text files: two genes on two strands, a
/// file of reads.
fn small() -> Workplace {
    let workplace = Workplace::new();
    workplace.write("marks.tsv", "mark\tpath\nH3K4me3\treads.bed\n");
    workplace.write(
        "reads.bed",
        "chr1\t990\t1026\tr\t0\t+\nchr1\t1950\t1986\tr\t0\t-\n",
    );
    let gene = |start: u32, end: u32, strand: &str, id: &str| {
        format!(
            "chr1\tx\tgene\t{start}\t{end}\t.\t{strand}\t.\tgene_id \"{id}\"; gene_type \"protein_coding\";\n"
        )
    };
    workplace.write(
        "genes.gtf",
        gene(1001, 1500, "+", "G1.4") + &gene(1501, 2000, "-", "G2.1"),
    );
    workplace.write("counts.tsv", "gene\tcount\nG1\t10\nG2\t0\n");
    workplace
}

const SMALL: &str = "prepare --marks marks.tsv --genes genes.gtf --expression counts.tsv \
                     --cell-type E1 --upstream 200 --downstream 200 -o E1.parquet";

#[test]
fn from_reads_to_a_trained_model() {
    let workplace = simulated();
    workplace.succeed(&format!(
        "prepare --samples sim/samples.tsv {GENES} \
                                --upstream 5000 --downstream 5000 -o cells"
    ));
    let inspected = workplace
        .succeed("inspect cells/A.parquet --plot profile.svg")
        .stdout;
    for part in [
        "66 genes with a TSS",
        "upstream to 5000 bp",
        "signal per bin, unit: reads",
        "reads that count",
    ] {
        assert!(inspected.contains(part), "{part:?} is not in\n{inspected}");
    }
    let figure = workplace.text("profile.svg");
    assert!(
        figure.starts_with("<svg") && figure.contains("H3K27me3"),
        "{figure}"
    );
    workplace.succeed(
        "train --a cells/A.parquet --b cells/B.parquet --method raw-d --set training.epochs=2 \
         --set model.hidden_bins=4 -o run",
    );
    assert_eq!(workplace.text("run/predictions.tsv").lines().count(), 67);
}

#[test]
fn the_same_file_whatever_the_threads_and_one_cell_type_or_many() {
    let workplace = simulated();
    workplace.succeed(&format!(
        "prepare --samples sim/samples.tsv {GENES} -o one --threads 1"
    ));
    workplace.succeed(&format!(
        "prepare --samples sim/samples.tsv {GENES} -o four --threads 4"
    ));
    assert!(workplace.read("one/B.parquet") == workplace.read("four/B.parquet"));
    workplace.succeed(&format!(
        "prepare --marks sim/B.marks.tsv {GENES} --cell-type B -o B.parquet"
    ));
    assert!(workplace.read("one/B.parquet") == workplace.read("B.parquet"));
}

#[test]
fn labels_of_a_differential_table() {
    let workplace = simulated();
    let mut table = String::from("gene,baseMean,log2FoldChange,padj\n");
    for gene in 1..=60 {
        let change = if gene == 7 {
            "NA".into()
        } else {
            format!("{}.5", gene % 5)
        };
        table += &format!("SIMG{gene:08},10,{change},0.1\n");
    }
    workplace.write("deseq2.csv", table);
    let train = "train --a sim/A.parquet --b sim/B.parquet --method raw-d --set training.epochs=1 \
                 --set model.hidden_bins=4";
    let told = workplace.succeed(&format!("{train} --labels deseq2.csv -o run"));
    assert!(
        told.stdout.contains("log2 fold change, of deseq2.csv"),
        "{told:?}"
    );
    assert!(
        told.stderr
            .contains("without a label in the table, dropped: 7"),
        "{told:?}"
    );
    let predictions = workplace.text("run/predictions.tsv");
    assert_eq!(predictions.lines().count(), 60);
    let row = predictions
        .lines()
        .find(|line| line.starts_with("SIMG00000003\t"));
    assert_eq!(row.unwrap().split('\t').nth(2), Some("3.5"));
    assert!(workplace.text("run/run.toml").contains("[labels]"));

    let predict = "predict --run run --a sim/A.parquet --b sim/B.parquet";
    let told = workplace
        .succeed(&format!("{predict} -o without.tsv"))
        .stderr;
    assert!(
        told.contains("trained on log2 fold change, of deseq2.csv"),
        "{told}"
    );
    workplace.succeed(&format!("{predict} --labels deseq2.csv -o with.tsv"));
    assert_eq!(workplace.text("with.tsv"), predictions);

    workplace.fail(
        &format!("{train} --config run/run.toml -o run2"),
        &["--labels"],
    );
    workplace.fail(
        &format!("{train} --labels deseq2.csv --label-column padj2 -o run2"),
        &["deseq2.csv, line 1", "\"padj2\"", "baseMean"],
    );
    let wrong = workplace.run("evaluate --run run --labels deseq2.csv");
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("--a <PARQUET>"), "{}", wrong.stderr);
}

#[test]
fn small_files_and_what_is_told_about_them() {
    let workplace = small();
    let told = workplace.succeed(SMALL).stderr;
    assert!(told.contains("reads.bed: 2 of 2 reads count"), "{told}");
    let inspected = workplace.succeed("inspect E1.parquet --json").stdout;
    let json: serde_json::Value = serde_json::from_str(&inspected).unwrap();
    assert_eq!(json["genes"], 2);
    // The first read overlaps two bins of G1, the second one of G2.
    assert_eq!(json["marks"][0]["total"], 3.0);
    assert_eq!(json["provenance"]["sources"][2]["reads"]["depth"], 2);
    assert_eq!(json["provenance"]["settings"]["count"], "overlap");
    workplace.fail(SMALL, &["E1.parquet already exists", "--force"]);
    workplace.succeed(&format!("{SMALL} --force"));
}

#[test]
fn unusual_but_legal_files_get_one_line_each() {
    let workplace = small();
    let mut bed = String::from("browser position chr1:1-100\ntrack name=x\n#comment\n\n");
    for start in 0..500 {
        bed += &format!(
            "1\t{start}\t{}\tr\t0\t+\r\nchrUn_{start}\t5\t10\tr\t0\t-\n",
            start + 36
        );
    }
    workplace.write("reads.bed", bed + "1\t1000\t1000\tnothing\t0\t+");
    workplace.write("counts.tsv", "gene\tcount\nG1\t10.5\nG3\t0\n");
    let told = workplace
        .succeed(&format!(
            "{} --min-mapq 10",
            SMALL.replace("--upstream 200", "--upstream 1200")
        ))
        .stderr;
    for part in [
        "named otherwise than in the annotation: 1 (1 for chr1)",
        "genes without expression, left out: 1 (G2.1)",
        "without a gene, left out: 1 (G3)",
        "over an end of their chromosome, their bins there zero: 1 (G1.4)",
        "not act on a file of this format: --min-mapq",
        "--expression-unit",
        "1 without bases on the reference",
    ] {
        assert_eq!(told.matches(part).count(), 1, "{part:?}\n{told}");
    }
    assert!(told.lines().count() < 12, "{told}");
}

#[test]
fn damaged_bam() {
    let workplace = simulated();
    let whole = workplace.read("sim/reads/A_H3K4me1.bam");
    let command = format!("prepare --samples sim/samples.tsv {GENES} -o cells");
    let bam = "sim/reads/A_H3K4me1.bam";
    for (bytes, part) in [
        (
            whole[..whole.len() - 28].to_vec(),
            "the empty block that ends a BGZF file",
        ),
        (whole[..whole.len() / 2].to_vec(), "damaged or truncated"),
        (whole[..40].to_vec(), "found"),
        (Vec::new(), "an empty file"),
        (
            b"chr1\t1\t2\n".to_vec(),
            "expected BAM, as the name tells, found text",
        ),
        (vec![0; 1 << 20], "expected BAM"),
    ] {
        workplace.write(bam, bytes);
        workplace.fail(&command, &["sim/reads/A_H3K4me1.bam", part]);
    }
    // A flipped bit anywhere is found by the blocks' checksums, or where it stands.
    for position in (100..whole.len()).step_by(whole.len() / 20) {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x10;
        workplace.write(bam, bytes);
        workplace.fail(&command, &["A_H3K4me1.bam"]);
    }
}

#[test]
fn bad_text_reads() {
    let workplace = small();
    let long = "x".repeat(9 << 20);
    for (bed, parts) in [
        (
            "chr1\t20\t10\n".to_owned(),
            &["reads.bed, line 1", "a start of 20 after the end 10"][..],
        ),
        (
            "chr1\t5\t10\nchr1\tfive\t10\n".to_owned(),
            &["reads.bed, line 2", "the start \"five\""],
        ),
        ("chr1\t-5\t10\n".to_owned(), &["line 1", "the start \"-5\""]),
        (
            long.clone() + &long,
            &["reads.bed, line 1", "a line of at most"],
        ),
        (
            format!("chr1\t1\t2\n{long}\n"),
            &["reads.bed, line 2", "no start"],
        ),
        (
            "chr7\t5\t10\n".to_owned(),
            &["reads.bed", "chromosomes of the annotation (chr1", "(chr7)"],
        ),
        (
            "# nothing\n".to_owned(),
            &["reads.bed", "reads that pass", "a file without reads"],
        ),
        (
            "1\t1000\t1010\n".repeat(5_000) + "chr1\t5\t9\n",
            &["reads.bed", "one name for each chromosome"],
        ),
    ] {
        workplace.write("reads.bed", bed);
        workplace.fail(SMALL, parts);
    }
    workplace.write("reads.bed", "chr1\t1000\t1010\n");
    let five_prime = format!("{SMALL} --count five-prime");
    workplace.fail(&five_prime, &["reads.bed", "the strand of every read"]);
}

#[test]
fn gzip_with_a_wrong_checksum_and_cut_off() {
    let workplace = small();
    workplace.write("marks.tsv", "mark\tpath\nH3K4me3\treads.bed.gz\n");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for start in 0..5000 {
        writeln!(gzip, "chr1\t{start}\t{}\tr\t0\t+", start + 36).unwrap();
    }
    let whole = gzip.finish().unwrap();
    workplace.write("reads.bed.gz", &whole);
    workplace.succeed(SMALL);
    let mut wrong = whole.clone();
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 1;
    for bytes in [
        &wrong[..],
        &whole[..whole.len() - 9],
        &whole[..whole.len() / 2],
    ] {
        workplace.write("reads.bed.gz", bytes);
        let command = SMALL.replace("E1.parquet", "other.parquet");
        workplace.fail(&command, &["reads.bed.gz, line", "damaged or truncated"]);
    }
}

#[test]
fn sam_without_header_and_with_unknown_contigs() {
    let workplace = small();
    workplace.write("marks.tsv", "mark\tpath\nH3K4me3\treads.sam\n");
    let read = "r\t0\tchr1\t1001\t60\t4M\t*\t0\t0\tACGT\t*\n";
    workplace.write("reads.sam", read);
    workplace.fail(SMALL, &["reads.sam, line 1", "a sequence of the header"]);
    workplace.write("reads.sam", format!("@SQ\tSN:chr2\tLN:5000\n{read}"));
    workplace.fail(SMALL, &["reads.sam, line 2"]);
    workplace.write("reads.sam", format!("@SQ\tSN:chr1\tLN:1200\n{read}"));
    workplace.fail(
        SMALL,
        &[
            "gene G2.1 starts at chr1:2000, but chr1 ends at 1200",
            "assembly",
        ],
    );
    workplace.write(
        "reads.sam",
        format!("@SQ\tSN:chr1\tLN:12000\n{}", &read[..20]),
    );
    workplace.fail(SMALL, &["reads.sam, line 2"]);
    workplace.write("reads.sam", format!("@SQ\tSN:chr1\tLN:12000\n{read}"));
    workplace.succeed(SMALL);
}

#[test]
fn bad_annotation() {
    let workplace = small();
    let gtf = workplace.text("genes.gtf");
    for (text, parts) in [
        (
            gtf.replacen("gene_id \"G2.1\";", "", 1),
            &["genes.gtf, line 2", "gene_id"][..],
        ),
        (
            gtf.replacen("1501\t2000\t.\t-", "5\t9\t.\t.", 1),
            &["line 2", "without a strand"],
        ),
        (
            gtf.replacen("1501", "2501", 1),
            &["line 2", "after its end"],
        ),
        (gtf.replacen("1501", "x", 1), &["genes.gtf, line 2"]),
        (
            gtf.replacen("G2.1", "G1.4", 1),
            &["line 2", "G1.4", "line 1"],
        ),
        ("# nothing\n".into(), &["genes.gtf", "genes", "none"]),
        ("x".repeat(17 << 20), &["genes.gtf, line 1", "at most"]),
    ] {
        workplace.write("genes.gtf", text);
        workplace.fail(SMALL, parts);
    }
    workplace.write("genes.gtf", &gtf);
    let typed = format!("{SMALL} --gene-type lncRNA");
    workplace.fail(&typed, &["\"lncRNA\"", "the types protein_coding"]);
    let odd = format!("{SMALL} --bin-size 300");
    workplace.fail(&odd, &["--bin-size", "no whole number of bins of 300 bp"]);
}

#[test]
fn bad_expression() {
    let workplace = small();
    for (text, parts) in [
        (
            "gene\tcount\nG1\tmany\n",
            &["counts.tsv, line 2", "\"many\"", "\"count\""][..],
        ),
        (
            "gene\tcount\nG1\t-1\n",
            &["counts.tsv, line 2", "not a logarithm"],
        ),
        (
            "gene\ta\tb\nG1\t1\t2\n",
            &[
                "line 1",
                "E1",
                "the columns gene, a, b",
                "--expression-column",
            ],
        ),
        ("gene\tcount\nX1\t1\n", &["no gene", "G1.4", "X1"]),
        ("gene\tcount\nG1\t1\nG1\t1\n", &["line 3", "line 2"]),
        ("", &["counts.tsv"]),
    ] {
        workplace.write("counts.tsv", text);
        workplace.fail(SMALL, parts);
    }
}

#[test]
fn bad_lists_of_files() {
    let workplace = small();
    workplace.write("marks.tsv", "mark\tpath\nH3K4me3\tnone.bam\n");
    workplace.fail(
        SMALL,
        &["marks.tsv, line 2", "none.bam, which is not there"],
    );
    workplace.write("marks.tsv", "mark\tpath\nexpression\treads.bed\n");
    workplace.fail(SMALL, &["\"expression\" cannot be a mark"]);
    workplace.write("marks.tsv", "mark\tpath\nH3K4me3\tmarks.tsv\n");
    workplace.fail(SMALL, &["marks.tsv", "name does not tell the format"]);
    workplace.write("marks.tsv", "mark\tpath\nH3K4me3\treads.bed\n");
    let over = SMALL.replace("-o E1.parquet", "-o reads.bed --force");
    workplace.fail(&over, &["would replace the input"]);
    let outcome = workplace.run("prepare --genes genes.gtf --expression counts.tsv -o E1.parquet");
    assert_eq!(outcome.code, Some(2));
    workplace.write(
        "samples.tsv",
        "cell_type\tmark\tpath\n../E1\tH3K4me3\treads.bed\n",
    );
    workplace.fail(
        "prepare --samples samples.tsv --genes genes.gtf --expression counts.tsv -o cells",
        &["samples.tsv, line 2", "no slash"],
    );
}

#[test]
fn values_that_are_none() {
    let workplace = small();
    workplace.write("marks.tsv", "mark\tpath\nH3K4me3\tx.bedGraph\n");
    for (text, parts) in [
        (
            "chr1\t5\t4\t1\n",
            &["x.bedGraph, line 1", "a start of 5 and an end of 4"][..],
        ),
        ("chr1\t5\t6\tinf\n", &["x.bedGraph, line 1", "\"inf\""]),
        (
            "chr1\t900\t1100\t1\nchr1\t900\t1100\t1\n",
            &["x.bedGraph", "that do not overlap"],
        ),
    ] {
        workplace.write("x.bedGraph", text);
        workplace.fail(SMALL, parts);
    }
    workplace.write("x.bedGraph", "chr1\t900\t1100\t2\nchr1\t1100\t1200\tNaN\n");
    let cpm = format!("{SMALL} --scale cpm");
    workplace.fail(&cpm, &["--scale cpm", "has no depth"]);
    workplace.succeed(SMALL);
    let inspected = workplace.succeed("inspect E1.parquet").stdout;
    assert!(inspected.contains("unit: mean signal"), "{inspected}");
    // The magic number of bigBed.
    workplace.write("marks.tsv", "mark\tpath\nH3K4me3\tx.bw\n");
    workplace.write("x.bw", [0xeb, 0xf2, 0x89, 0x87, 0, 0, 0, 0]);
    let command = SMALL.replace("E1.parquet", "other.parquet");
    workplace.fail(&command, &["x.bw", "expected bigWig", "found bigBed"]);
    workplace.write("x.bw", [0x26, 0xfc, 0x8f, 0x88, 4, 0, 0, 0]);
    workplace.fail(&command, &["x.bw", "a complete bigWig file"]);
}

#[test]
fn cell_types_with_different_bins_do_not_pair() {
    let workplace = small();
    workplace.succeed(SMALL);
    let other = SMALL
        .replace("E1.parquet", "E2.parquet")
        .replace("--upstream 200", "--upstream 300");
    workplace.succeed(&other);
    workplace.fail(
        "train --a E1.parquet --b E2.parquet -o run",
        &["differ in kind", "4 bins of 100 bp", "5 bins of 100 bp"],
    );
}

#[test]
fn signal_that_is_mostly_elsewhere_is_told() {
    let workplace = small();
    workplace.write("marks.tsv", "mark\tpath\nH3K4me3\treads.sam\n");
    let header = "@HD\tVN:\tSO:\n@PG\tID:a\n@PG\tID:a\n@SQ\tSN:chr1\tLN:50000\n@XX\n";
    let read = "r\t0\tchr1\t40001\t60\t4M\t*\t0\t0\tACGT\t*\n";
    workplace.write("reads.sam", format!("{header}{read}"));
    let chr2 = workplace
        .text("genes.gtf")
        .replace("chr1", "chr2")
        .replace("\"G", "\"H");
    workplace.write("genes.gtf", workplace.text("genes.gtf") + &chr2);
    workplace.write("counts.tsv", "G1\t10\nG2\t0\nH1\t5\nH2\t5\n");
    let told = workplace.succeed(SMALL).stderr;
    assert!(
        told.contains("4 of 4 genes have no signal in any bin"),
        "{told}"
    );
    assert!(
        told.contains("does not have, their signal is zero: 1 (chr2 with 2 genes)"),
        "{told}"
    );
}

#[test]
fn sizes_of_chromosomes_must_agree() {
    let workplace = small();
    workplace.write("sizes.tsv", "1\t1900\n");
    let command = format!("{SMALL} --chrom-sizes sizes.tsv");
    workplace.fail(
        &command,
        &["gene G2.1 starts at chr1:2000, but chr1 ends at 1900"],
    );
    workplace.write("sizes.tsv", "1\t2100\n");
    // A read that is extended over the end counts up to it.
    workplace.write("reads.bed", "chr1\t2050\t2086\tr\t0\t+\n");
    workplace.succeed(&format!("{command} --extend 400 -q"));
    let shown = workplace.succeed("inspect E1.parquet --json").stdout;
    let json: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(json["marks"][0]["total"], 1.0, "{shown}");
    std::fs::remove_file(workplace.path("E1.parquet")).unwrap();
    let told = workplace.succeed(&format!("{command} --edges drop")).stderr;
    assert!(told.contains("chromosome, left out: 1 (G2.1)"), "{told}");
    assert!(told.contains("wrote E1.parquet: 1 genes"), "{told}");
    workplace.write("marks.tsv", "mark\tpath\nH3K4me3\treads.sam\n");
    let read = "r\t0\tchr1\t1001\t60\t4M\t*\t0\t0\tACGT\t*\n";
    workplace.write("reads.sam", format!("@SQ\tSN:chr1\tLN:5000\n{read}"));
    let command = format!("{command} --force");
    workplace.fail(
        &command,
        &["chr1 is 2100 bp long by --chrom-sizes and 5000 bp"],
    );
    workplace.write(
        "marks.tsv",
        "mark\tpath\nH3K4me3\treads.sam\nH3K4me1\tother.sam\n",
    );
    workplace.write("other.sam", format!("@SQ\tSN:chr1\tLN:6000\n{read}"));
    let command = format!("{SMALL} --force");
    workplace.fail(
        &command,
        &[
            "reads.sam",
            "other.sam",
            "5000 bp",
            "6000 bp",
            "one genome assembly",
        ],
    );
}

#[test]
fn one_file_is_not_two() {
    let workplace = small();
    workplace.write(
        "marks.tsv",
        "mark\tpath\nH3K4me3\treads.bed\nH3K4me3\t./reads.bed\n",
    );
    workplace.fail(SMALL, &["marks.tsv, line 3", "again (first on line 2)"]);
    workplace.write(
        "marks.tsv",
        "mark\tpath\tcontrol\nH3K4me3\treads.bed\t./reads.bed\n",
    );
    workplace.fail(SMALL, &["marks.tsv, line 2", "as its own control"]);
    let rows = "cell_type\tmark\tpath\nE1\tH3K4me3\treads.bed\nE2\tH3K4me3\treads.bed\n";
    workplace.write("samples.tsv", rows);
    let command =
        "prepare --samples samples.tsv --genes genes.gtf --expression counts.tsv -o cells";
    workplace.fail(
        command,
        &["E1 and E2 both take the column \"count\" of counts.tsv"],
    );
    workplace.write("counts.tsv", "E1\tE2\nG1\t10\t20\nG2\t0\t7\n");
    let told = workplace.succeed(command).stderr;
    assert!(
        told.contains("reads.bed is the H3K4me3 of E1 and of E2 too"),
        "{told}"
    );
    let mean = |cell: &str| {
        let shown = workplace
            .succeed(&format!("inspect cells/{cell}.parquet --json"))
            .stdout;
        let json: serde_json::Value = serde_json::from_str(&shown).unwrap();
        json["expression"]["mean"].as_f64().unwrap()
    };
    assert_eq!((mean("E1"), mean("E2")), (5.0, 13.5));
}

#[test]
fn what_can_be_told_early_is() {
    let workplace = small();
    let folder = workplace.path("cells");
    std::fs::write(&folder, "a file").unwrap();
    let rows = "cell_type\tmark\tpath\nE1\tH3K4me3\treads.bed\n";
    workplace.write("samples.tsv", rows);
    let command =
        "prepare --samples samples.tsv --genes genes.gtf --expression counts.tsv -o cells";
    workplace.fail(command, &["cells is not a folder"]);
    let huge = SMALL.replace("--upstream 200", "--upstream 400000000 --bin-size 1");
    workplace.fail(&huge, &["do not fit memory"]);
    workplace.fail(
        &SMALL.replace("--downstream 200", "--downstream 400 --orient genome"),
        &["--orient genome"],
    );
    workplace.write(
        "genes.gtf",
        workplace
            .text("genes.gtf")
            .replace("2000", "99999999999999"),
    );
    workplace.fail(
        SMALL,
        &["genes.gtf, line 2", "past the end of any chromosome"],
    );
}
