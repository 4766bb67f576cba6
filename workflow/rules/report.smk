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
        runs=expand("{made}/{run}", made=MADE, run=RUNS),
    output:
        expand("{folder}/{table}", folder=FOLDER, table=TABLES),
    log:
        f"{LOGS}/collect.log",
    benchmark:
        f"{BENCHMARKS}/collect.tsv"
    threads: config["threads"]["collect"]
    resources:
        mem_mb=memory_of_all,
        runtime=minutes_of_all,
    params:
        epidelta=EPIDELTA,
        folder=folder_of_output,
    shell:
        "{params.epidelta:q} --threads {threads} study collect {input.study:q}"
        " -o {params.folder:q} &> {log:q}"


rule report:
    input:
        tables=rules.collect.output,
    output:
        REPORT,
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{BENCHMARKS}/report.tsv"
    resources:
        mem_mb=memory_of_all,
        runtime=minutes_of_all,
    params:
        epidelta=EPIDELTA,
        folder=folder_of_report,
    shell:
        "{params.epidelta:q} report {params.folder:q} -o {output:q} --force &> {log:q}"
