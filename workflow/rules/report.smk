# What the runs come to.

TABLES = [
    "pearson.tsv",
    "methods.tsv",
    "comparisons.tsv",
    "differences.tsv",
    "runs.tsv",
    "cost.tsv",
    "study.json",
    "checksums.sha256",
    "pearson_by_pair.svg",
    "methods.svg",
    "cost.svg",
]


rule collect:
    input:
        study=STUDY,
        runs=expand("{folder}/runs/{run}/run.toml", folder=FOLDER, run=RUNS),
    output:
        expand("{folder}/{table}", folder=FOLDER, table=TABLES),
    params:
        epidelta=EPIDELTA,
        folder=folder_of_output,
    log:
        "logs/collect.log",
    benchmark:
        "benchmarks/collect.tsv"
    threads: config["threads"]["collect"]
    resources:
        mem_mb=memory_of_all,
        runtime=minutes_of_all,
    shell:
        "exec {params.epidelta:q} --threads {threads} study collect {input.study:q}"
        " -o {params.folder:q} &> {log:q}"


rule report:
    input:
        tables=rules.collect.output,
    output:
        REPORT,
    params:
        epidelta=EPIDELTA,
        folder=folder_of_report,
    log:
        "logs/report.log",
    benchmark:
        "benchmarks/report.tsv"
    resources:
        mem_mb=memory_of_all,
        runtime=minutes_of_all,
    shell:
        "exec {params.epidelta:q} report {params.folder:q} -o {output:q} --force &> {log:q}"
