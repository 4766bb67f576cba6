# From reads or signal to an epigenome.parquet of each cell type.


rule prepare:
    input:
        samples=ancient(SAMPLES or []),
        genes=PREPARE["genes"] or [],
        files=lambda wildcards: SAMPLES_OF[wildcards.cell_type]["files"],
    output:
        f"{CELLS}/{{cell_type}}.parquet",
    log:
        f"{LOGS}/prepare/{{cell_type}}.log",
    benchmark:
        f"{BENCHMARKS}/prepare/{{cell_type}}.tsv"
    wildcard_constraints:
        cell_type="|".join(map(re.escape, PREPARED)) or "none",
    threads: config["threads"]["prepare"]
    resources:
        mem_mb=memory_to_prepare,
        runtime=minutes_to_prepare,
    params:
        epidelta=EPIDELTA,
        # So that it is made again when the sheet says something else of it.
        sheet=lambda wildcards: SAMPLES_OF[wildcards.cell_type]["sha256"],
        folder=folder_of_output,
        options=shlex.join(prepare_options()),
    shell:
        "{params.epidelta:q} --threads {threads} prepare --samples {input.samples:q}"
        " --cell-type {wildcards.cell_type:q} {params.options} -o {params.folder:q} --force"
        " &> {log:q}"
