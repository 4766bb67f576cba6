# The runs of the study.


rule check_study:
    # That the cell types go together, before the first run is made of them. What is wrong with the
    # description is told before the first job.
    input:
        cells=[cell["file"] for cell in CELL_TYPES.values()],
        study=ancient(STUDY),
    output:
        STUDY_CHECKED,
    params:
        epidelta=EPIDELTA,
    log:
        "logs/check_study.log",
    shell:
        "{params.epidelta:q} study plan {input.study:q} -o {output:q} --force &> {log:q}"


rule train:
    # A run that was interrupted goes on where it was; one of other data or settings is replaced.
    input:
        checked=STUDY_CHECKED,
        study=ancient(STUDY),
        cells=cell_types_of,
    output:
        update(f"{FOLDER}/runs/{{run}}/run.toml"),
    wildcard_constraints:
        run=".+/seed-[0-9]+",
    params:
        epidelta=EPIDELTA,
        version=VERSION,
        folder=folder_of_run,
        # So that a run is made again when its settings, and only then, are others.
        settings=lambda wildcards: RUNS[wildcards.run]["settings_sha256"],
    log:
        "logs/train/{run}.log",
    benchmark:
        "benchmarks/train/{run}.tsv"
    threads: config["threads"]["train"]
    resources:
        mem_mb=memory_of_run,
        runtime=minutes_of_run,
    shell:
        # In the shell's place, so that a job that is cancelled tells epidelta, which then keeps
        # its state.
        "exec {params.epidelta:q} --threads {threads} study run {input.study:q}"
        " runs/{wildcards.run:q} -o {params.folder:q} --planned-by {params.version:q} &>> {log:q}"
