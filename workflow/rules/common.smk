# What the rules share: the plan of the study, and what each job needs.

import csv
import functools
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
SAMPLES_CHECKED = str(RESULTS / "samples.tsv")
STUDY_CHECKED = str(RESULTS / "plan.tsv")
PREPARE = config["prepare"]
# What a run adds to the job that joins them all (docs/planning.md).
MB_OF_COLLECTED_RUN = 0.05
MINUTES_OF_COLLECTED_RUN = 0.004
# A sheet's path is relative to its folder.
SHEET_FOLDER = Path(SAMPLES).parent


def ask_for_plan():
    """What `epidelta study plan` says of the study, whether or not its cell types are prepared:
    all of its runs, and all that is wrong with its description and the sample sheet."""
    command = [
        EPIDELTA,
        "--quiet",
        "study",
        "plan",
        STUDY,
        "--quick",
        "--format",
        "json",
    ]
    if SAMPLES:
        command += ["--samples", SAMPLES]
    if PREPARE["expression"]:
        command += ["--expression", PREPARE["expression"]]
    try:
        asked = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise WorkflowError(
            f"cannot start {EPIDELTA} ({error}): see `epidelta` in the config"
        )
    if asked.returncode != 0:
        raise WorkflowError(asked.stderr.strip())
    return json.loads(asked.stdout)


def outline():
    """The plan, asked for once: the processes that Snakemake starts for its jobs read it again."""
    asked = Path(".snakemake") / "epidelta-plan.json"
    if not workflow.is_main_process and asked.exists():
        return json.loads(asked.read_text())
    plan = ask_for_plan()
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


def sample_files():
    """The files of reads or signal of each cell type in the sample sheet."""
    files = {}
    if SAMPLES:
        with open(SAMPLES) as sheet:
            rows = (row for row in sheet if row.strip() and not row.startswith("#"))
            for row in csv.DictReader(rows, delimiter="\t"):
                of_row = [
                    row.get(column) for column in ("path", "control", "expression")
                ]
                found = files.setdefault(row["cell_type"].strip(), [])
                found += [str(SHEET_FOLDER / name.strip()) for name in of_row if name]
    return {cell: sorted(set(found)) for cell, found in files.items()}


FILES = sample_files()
# Those that the workflow prepares: where the study looks for them.
PREPARED = {cell: CELL_TYPES[cell]["file"] for cell in CELL_TYPES if cell in FILES}


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


def cell_types_of(wildcards):
    """The files that a run reads."""
    return [CELL_TYPES[cell]["file"] for cell in RUNS[wildcards.run]["cell_types"]]


def memory_mb(mb, attempt):
    """What a job asks for: what it is planned to take with the margin, twice that when it is
    tried again."""
    return math.ceil(50 + config["margin"]["memory"] * mb * 2 ** (attempt - 1))


def runtime(minutes, attempt):
    """As `memory_mb`, in minutes."""
    return math.ceil(2 + config["margin"]["time"] * minutes * 2 ** (attempt - 1))


# What is asked below is known when earlier jobs are done. Where it is not, FileNotFoundError tells
# Snakemake to ask again when they are.


@functools.cache
def costs_to_prepare(table):
    """What each cell type takes, as `epidelta prepare --check` tells."""
    with open(table) as rows:
        return {row["cell_type"]: row for row in csv.DictReader(rows, delimiter="\t")}


def memory_to_prepare(wildcards, input, attempt):
    of_cell = costs_to_prepare(input.checked)[wildcards.cell_type]
    return memory_mb(float(of_cell["memory_mb"]), attempt)


def minutes_to_prepare(wildcards, input, attempt):
    of_cell = costs_to_prepare(input.checked)[wildcards.cell_type]
    return runtime(float(of_cell["minutes"]), attempt)


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
    """For a job that reads all cell types, one after the other, and all runs."""
    largest = max(run["memory_mb"] for run in planned(input).values())
    return memory_mb(2 * largest + MB_OF_COLLECTED_RUN * len(RUNS), attempt)


def minutes_of_all(wildcards, input, attempt):
    return runtime(1 + MINUTES_OF_COLLECTED_RUN * len(RUNS), attempt)


def folder_of_output(wildcards, output):
    return str(Path(output[0]).parent)


def folder_of_report(wildcards, input):
    return str(Path(input.tables[0]).parent)


def prepare_options():
    """The options of `epidelta prepare` that are the same for all cell types."""
    words = ["--genes", PREPARE["genes"]]
    if PREPARE["expression"]:
        words += ["--expression", PREPARE["expression"]]
    return shlex.join(words + shlex.split(PREPARE["options"]))
