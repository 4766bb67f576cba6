#!/usr/bin/env bash
# Trains every variant on the published sample of DeepDiff's data with the
# published code's settings, and prints the test Pearson r of each seed: the
# table of docs/reference.md.
#
#   tools/reference/published_sample.sh SAMPLE_FOLDER OUTPUT_FOLDER
#
# SAMPLE_FOLDER holds Cell1.train.csv and so on (QData/DeepDiffChrome, folder
# data). EPIDELTA is the program (default: epidelta), SEEDS and EPOCHS default to
# "1 2 3" and 90, JOBS trainings run at once with one thread each (default: 2).
set -euo pipefail
sample=$1 output=$2
epidelta=${EPIDELTA:-epidelta} seeds=${SEEDS:-1 2 3} epochs=${EPOCHS:-90} jobs=${JOBS:-2}
mkdir -p "$output"

for pair in 1:E123 2:E003; do
  cell=Cell${pair%%:*} name=${pair##*:}
  [ -e "$output/$name.parquet" ] || "$epidelta" --quiet import deepdiff --name "$name" \
    --expression "$sample/$cell.expr.csv" --train "$sample/$cell.train.csv" \
    --valid "$sample/$cell.valid.csv" --test "$sample/$cell.test.csv" \
    -o "$output/$name.parquet"
done

train() { # METHOD SEED NAME [OPTION ...]
  local method=$1 seed=$2 run=$output/$3-seed$2
  shift 3
  [ -e "$run" ] || "$epidelta" --quiet --threads 1 --seed "$seed" train \
    --a "$output/E123.parquet" --b "$output/E003.parquet" --method "$method" \
    --preset reference --set training.epochs="$epochs" "$@" -o "$run" >/dev/null
}
export -f train
export epidelta epochs output

for seed in $seeds; do
  for method in raw-d raw-c raw aux raw-aux aux-siamese raw-aux-siamese; do
    echo "$method $seed $method"
  done
  echo "aux-siamese $seed aux-siamese-lr1e-3 --set training.learning_rate=1e-3"
done | xargs -P "$jobs" -I{} bash -c 'train {}'

printf 'run\ttest_pearson_r\tbest_epoch\n'
for run in "$output"/*-seed*; do
  # The first of the measures is the test genes' Pearson r; null where undefined.
  r=$("$epidelta" evaluate --run "$run" --json |
    sed -n 's/.*"pearson_r": \([^,]*\).*/\1/p' | head -n 1)
  [ "$r" = null ] || r=$(printf '%.3f' "$r")
  epoch=$(sed -n 's/.*"best_epoch": \([0-9]*\).*/\1/p' "$run/metrics.json")
  printf '%s\t%s\t%s\n' "$(basename "$run")" "$r" "$epoch"
done
