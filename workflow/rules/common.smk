# What the rules share: the plan of the study, and what each job needs.

import csv
import functools
import hashlib
import json
import math
import os
import re
import shlex
import subprocess
from pathlib import Path

from snakemake.exceptions import WorkflowError

EPIDELTA = config["epidelta"]
STUDY = config["study"]
SAMPLES = config["samples"]
RESULTS = Path(config["results"])
FOLDER = RESULTS / "study"
# A file for each run that is made.
MADE = str(RESULTS / "made")
REPORT = str(RESULTS / "report.html")
STUDY_CHECKED = str(RESULTS / "plan.tsv")
PREPARE = config["prepare"]
# What a run adds to the job that joins them all (docs/planning.md).
MB_OF_COLLECTED_RUN = 0.05
MINUTES_OF_COLLECTED_RUN = 0.004
LOGS = str(RESULTS / "logs")
BENCHMARKS = str(RESULTS / "benchmarks")


def ask(*words):
    """What epidelta prints, or the workflow's end with all that it finds wrong."""
    try:
        asked = subprocess.run(
            [EPIDELTA, "--quiet", *words], capture_output=True, text=True
        )
    except OSError as error:
        raise WorkflowError(
            f"cannot start {EPIDELTA} ({error}): see `epidelta` in the config"
        )
    if asked.returncode != 0:
        raise WorkflowError(asked.stderr.strip())
    return asked.stdout


def ask_for_plan():
    """What `epidelta study plan` says of the study, whether or not its cell types are prepared:
    all of its runs, and all that is wrong with its description and the sample sheet."""
    words = ["study", "plan", STUDY, "--quick", "--format", "json"]
    if SAMPLES:
        words += ["--samples", SAMPLES]
    if PREPARE["expression"]:
        words += ["--expression", PREPARE["expression"]]
    return json.loads(ask(*words))


def prepare_options():
    """The options of `epidelta prepare` that are the same for all cell types."""
    words = ["--genes", PREPARE["genes"]]
    if PREPARE["expression"]:
        words += ["--expression", PREPARE["expression"]]
    return words + shlex.split(PREPARE["options"])


@functools.cache
def ask_what_preparing_takes():
    """What `epidelta prepare --check` says of each cell type; it finds what is wrong in the files
    of reads and signal, the annotation and the tables of expression."""
    table = ask("prepare", "--check", "--samples", SAMPLES, *prepare_options())
    rows = table.splitlines()
    rows = csv.DictReader(rows, dialect="excel-tab", quoting=csv.QUOTE_NONE)
    return {row["cell_type"]: row for row in rows}


def outline():
    """The plan, asked for once: the processes that Snakemake starts for its jobs read it again."""
    # Another configuration, or a description that was changed meanwhile, has another plan.
    key = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for file in filter(None, (STUDY, SAMPLES)):
        key.update(Path(file).read_bytes() if Path(file).exists() else b"")
    asked = Path(".snakemake") / f"epidelta-plan-{key.hexdigest()[:16]}.json"
    if not workflow.is_main_process and asked.exists():
        return json.loads(asked.read_text())
    plan = ask_for_plan()
    # One file has one name, for Snakemake.
    for cell in plan["cell_types"]:
        cell["file"] = os.path.normpath(cell["file"])
    if any(cell["sample"] and not cell["is_prepared"] for cell in plan["cell_types"]):
        plan["preparing"] = ask_what_preparing_takes()
    asked.parent.mkdir(exist_ok=True)
    new = asked.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(plan))
    new.replace(asked)
    return plan


OUTLINE = outline()
VERSION = OUTLINE["epidelta"]


def by_name(plan):
    return {str(Path(run["run"]).relative_to("runs")): run for run in plan["runs"]}


RUNS = by_name(OUTLINE)
CELL_TYPES = {cell["name"]: cell for cell in OUTLINE["cell_types"]}


# Those of the sample sheet, which the workflow prepares, and where the study looks for them.
SAMPLES_OF = {
    name: cell["sample"] for name, cell in CELL_TYPES.items() if cell["sample"]
}
PREPARED = {name: CELL_TYPES[name]["file"] for name in SAMPLES_OF}


def cells_folder():
    """The one folder that all prepared cell types are in, as FOLDER/NAME.parquet."""
    folders = {str(Path(file).parent) for file in PREPARED.values()}
    elsewhere = [
        file for cell, file in PREPARED.items() if Path(file).name != f"{cell}.parquet"
    ]
    if len(folders) > 1 or elsewhere:
        raise WorkflowError(
            f"{STUDY}: cell types of the sample sheet must be NAME.parquet in one folder, and are "
            + ", ".join(PREPARED.values())
        )
    return folders.pop() if folders else str(RESULTS / "cells")


CELLS = cells_folder()


def files_of_run(wildcards):
    """The files that a run reads."""
    run = RUNS[wildcards.run]
    labels = [run["labels"]] if run["labels"] else []
    return [CELL_TYPES[cell]["file"] for cell in run["cell_types"]] + labels


def files_of_study():
    """The files that all runs read."""
    labels = {run["labels"] for run in RUNS.values() if run["labels"]}
    return [cell["file"] for cell in CELL_TYPES.values()] + sorted(labels)


def memory_mb(mb, attempt):
    """What a job asks for: what it is planned to take with the margin, twice that when it is
    tried again."""
    return math.ceil(50 + config["margin"]["memory"] * mb * 2 ** (attempt - 1))


def runtime(minutes, attempt):
    """As `memory_mb`, in minutes."""
    return math.ceil(2 + config["margin"]["time"] * minutes * 2 ** (attempt - 1))


# What is asked below is known when earlier jobs are done. Where it is not, FileNotFoundError tells
# Snakemake to ask again when they are.


def preparing(wildcards):
    """What preparing a cell type takes."""
    costs = OUTLINE.get("preparing") or ask_what_preparing_takes()
    return costs[wildcards.cell_type]


def memory_to_prepare(wildcards, attempt):
    return memory_mb(float(preparing(wildcards)["memory_mb"]), attempt)


def minutes_to_prepare(wildcards, attempt):
    return runtime(float(preparing(wildcards)["minutes"]), attempt)


@functools.cache
def plan_with(prepared):
    """What each run takes, once these cell types are prepared."""
    return by_name(ask_for_plan())


def planned(input):
    """What each run takes, for a job whose inputs are there."""
    for file in input:
        os.stat(file)
    cells = CELL_TYPES.values()
    if all(cell["is_prepared"] for cell in cells):
        return RUNS
    return plan_with(frozenset(c["file"] for c in cells if Path(c["file"]).exists()))


def memory_of_run(wildcards, input, attempt):
    return memory_mb(planned(input)[wildcards.run]["memory_mb"], attempt)


def minutes_of_run(wildcards, input, attempt):
    # For one thread, however many there are: what is left over does no harm.
    return runtime(planned(input)[wildcards.run]["minutes"], attempt)


def memory_of_all(wildcards, input, attempt):
    """For a job that reads all cell types, as many at once as it has threads, and all runs."""
    largest = max(run["memory_mb"] for run in planned(input).values())
    at_once = 1 + config["threads"]["collect"]
    return memory_mb(at_once * largest + MB_OF_COLLECTED_RUN * len(RUNS), attempt)


def minutes_of_all(wildcards, input, attempt):
    return runtime(1 + MINUTES_OF_COLLECTED_RUN * len(RUNS), attempt)


def folder_of_output(wildcards, output):
    return str(Path(output[0]).parent)


def folder_of_report(wildcards, input):
    return str(Path(input.tables[0]).parent)
