#!/usr/bin/env bash
# The workflow on a real Slurm, of this machine alone: a job is cancelled in the middle, the
# workflow is started again, and its tables are compared with those of `epidelta study`.
#
#   python3 -m venv venv && venv/bin/pip install 'snakemake>=9' snakemake-executor-plugin-slurm
#   cargo build --release -p epidelta-cli
#   sudo tools/slurm-test/run.sh target/release/epidelta venv/bin/snakemake
#
# Needs root on Debian or Ubuntu, for start.sh installs and starts Slurm's daemons. Takes some
# minutes; what it makes is in a temporary folder that is removed if all went well.
set -euo pipefail

epidelta=$(realpath "$1")
# Not what it may be a link to: Python knows its packages by where it is.
snakemake=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
cd "$work"

say() { printf '\n== %s ==\n' "$*"; }

say 'Slurm'
"$here/start.sh"
trap '"$here/stop.sh"' EXIT
scontrol --version

say 'data, and the study on this machine alone'
"$epidelta" --quiet simulate --reads --cell-types 3 --genes 300 --bins 40 -o sim
cat >study.toml <<'TOML'
pairs = [["A", "B"], ["A", "C"], ["B", "C"]]
methods = ["ridge", "raw", "raw-aux"]
seeds = [1]
baselines = ["ridge"]

[cell_types]
A = "cells/A.parquet"
B = "cells/B.parquet"
C = "cells/C.parquet"

# Long enough to be cancelled in the middle.
[settings]
training.epochs = 400
training.patience = 400
TOML
cat >config.yaml <<YAML
epidelta: $epidelta
study: study.toml
samples: sim/samples.tsv
prepare:
  genes: sim/genes.gtf
  expression: sim/counts.tsv
  options: "--upstream 2000 --downstream 2000"
YAML
"$epidelta" --quiet prepare --samples sim/samples.tsv --genes sim/genes.gtf \
    --expression sim/counts.tsv --upstream 2000 --downstream 2000 -o cells
"$epidelta" --quiet study study.toml -o alone >/dev/null
rm -r cells

workflow() {
    # This Slurm has no accounting, so that squeue is asked how jobs ended. No second attempts:
    # the second start is to find what the first has left.
    "$snakemake" --snakefile "$here/../../workflow/Snakefile" --configfile config.yaml \
        --workflow-profile "$here/../../workflow/profiles/slurm" --retries 0 --latency-wait 10 \
        --slurm-status-command squeue --slurm-init-seconds-before-status-checks 5
}

say 'the workflow, of which a job is cancelled'
workflow >first.log 2>&1 &
first=$!
run=A_vs_B/raw-aux/seed-1
state=results/study/runs/$run/checkpoint
for _ in {1..600}; do
    compgen -G "$state/*.safetensors" >/dev/null && break
    sleep 0.5
done
sleep 3
job=$(squeue -h -o '%i %k' | awk -v run="${run//\//_}" 'index($0, run) {print $1; exit}')
squeue -o '%.8i %.10T %.8M %.4C %.7m %k'
echo "scancel $job (train $run)"
scancel "$job"
if wait "$first"; then
    echo 'the workflow did not notice'
    exit 1
fi
grep -E 'job.*(fail|FAIL|CANCEL)|Error in rule' first.log | head -n 5
tail -n 2 "results/logs/train/$run.log"
ls "$state"

say 'the workflow, started again'
workflow >second.log 2>&1 || {
    tail -n 40 second.log
    exit 1
}
grep -E 'steps \(100%\) done' second.log
grep 'going on after epoch' "results/logs/train/$run.log"

say 'the tables of both'
for table in pearson methods comparisons differences runs; do
    cmp "alone/$table.tsv" "results/study/$table.tsv"
    echo "$table.tsv: the same"
done
cmp alone/study.json results/study/study.json
echo 'study.json: the same'
for made in alone/runs/*/*/*/predictions.tsv; do
    cmp "$made" "results/study/${made#alone/}"
done
echo 'predictions of all runs: the same'
ls results
cd /
rm -r "$work"
