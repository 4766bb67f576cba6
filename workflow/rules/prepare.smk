# From reads or signal to an epigenome.parquet of each cell type.


rule check_samples:
    # What can be found wrong with the samples before the first of them is read through.
    input:
        samples=SAMPLES or [],
        genes=PREPARE["genes"] or [],
        files=[file for of_cell in FILES.values() for file in of_cell],
    output:
        SAMPLES_CHECKED,
    log:
        "logs/check_samples.log",
    params:
        epidelta=EPIDELTA,
        options=prepare_options(),
    shell:
        "{params.epidelta:q} prepare --check --samples {input.samples:q} {params.options}"
        " > {output:q} 2> {log:q}"


rule prepare:
    input:
        checked=ancient(SAMPLES_CHECKED),
        samples=ancient(SAMPLES or []),
        genes=PREPARE["genes"] or [],
        files=lambda wildcards: FILES[wildcards.cell_type],
    output:
        f"{CELLS}/{{cell_type}}.parquet",
    log:
        "logs/prepare/{cell_type}.log",
    benchmark:
        "benchmarks/prepare/{cell_type}.tsv"
    wildcard_constraints:
        cell_type="|".join(map(re.escape, PREPARED)) or "none",
    threads: config["threads"]["prepare"]
    resources:
        mem_mb=memory_to_prepare,
        runtime=minutes_to_prepare,
    params:
        epidelta=EPIDELTA,
        folder=folder_of_output,
        options=prepare_options(),
    shell:
        "{params.epidelta:q} --threads {threads} prepare --samples {input.samples:q}"
        " --cell-type {wildcards.cell_type:q} {params.options} -o {params.folder:q} --force"
        " &> {log:q}"
