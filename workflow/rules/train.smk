# The runs of the study.


rule check_study:
    # That the cell types go together, before the first run is made of them. What is wrong with the
    # description is told before the first job.
    input:
        cells=files_of_study(),
        study=ancient(STUDY),
    output:
        STUDY_CHECKED,
    log:
        f"{LOGS}/check_study.log",
    threads: config["threads"]["collect"]
    resources:
        mem_mb=memory_of_all,
        runtime=minutes_of_all,
    params:
        epidelta=EPIDELTA,
    shell:
        "{params.epidelta:q} --threads {threads} study plan {input.study:q} -o {output:q} --force &> {log:q}"


rule train:
    # A run that was interrupted goes on where it was; one of other data or settings is replaced.
    input:
        checked=STUDY_CHECKED,
        study=ancient(STUDY),
        cells=files_of_run,
    output:
        # Snakemake deletes the outputs of a job that it starts, and the run's own files are what
        # an earlier job has left to go on from.
        touch(f"{MADE}/{{run}}"),
    log:
        f"{LOGS}/train/{{run}}.log",
    benchmark:
        f"{BENCHMARKS}/train/{{run}}.tsv"
    wildcard_constraints:
        run=".+/seed-[0-9]+",
    threads: config["threads"]["train"]
    resources:
        mem_mb=memory_of_run,
        runtime=minutes_of_run,
    params:
        epidelta=EPIDELTA,
        version=VERSION,
        folder=str(FOLDER),
        # So that a run is made again when its settings, and only then, are others.
        settings=lambda wildcards: RUNS[wildcards.run]["settings_sha256"],
    shell:
        # A Slurm job that is cancelled tells what srun has started, so that epidelta keeps its
        # state. In a container there is no srun.
        'srun="${{SLURM_JOB_ID:+$(command -v srun || true)}}"; '
        '${{srun:+"$srun" --overlap --nodes=1 --ntasks=1 --cpus-per-task={threads} --cpu-bind=none}} '
        "{params.epidelta:q} --threads {threads} study run {input.study:q}"
        " runs/{wildcards.run:q} -o {params.folder:q} --planned-by {params.version:q} &> {log:q}"
