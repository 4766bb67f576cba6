#!/usr/bin/env bash
# Gives every reader damaged files: tools/fuzz.sh [seconds per target] [target...]
#
# Needs cargo-fuzz (cargo install cargo-fuzz --locked) and a C++ compiler; no nightly
# toolchain. Cuts of real data are among the seeds where EPIDELTA_SHARED is set. What was
# found lies in fuzz/artifacts; the inputs of earlier runs, in fuzz/corpus, are used again.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  targets=(annotation alignments signal tables epigenome truth deepdiff run study checkpoint weights learned)
fi

# cargo-fuzz asks the compiler for coverage, which a stable one gives only if told that it may.
export RUSTC_BOOTSTRAP=1
host=$(rustc -vV | sed -n 's/^host: //p')

# Each input is written to a file: in memory, where that can be done.
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

cargo fuzz build -s none seeds
"fuzz/target/$host/release/seeds" fuzz/corpus

last() { sed -n "s/.*$1 *\([0-9]*\).*/\1/p" "$log" | tail -n 1; }
row() { printf '%-12s %8s %12s %8s %8s %8s %8s  %s\n' "$@"; }
results=$TMPDIR/results
row target seconds executions per_s cov ft rss_MB found >"$results"
failed=0
for target in "${targets[@]}"; do
  log=$TMPDIR/$target.log
  options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=3072 -print_final_stats=1)
  dictionary=fuzz/dictionaries/$target.dict
  [ ! -e "$dictionary" ] || options+=(-dict="$dictionary")
  started=$SECONDS
  cargo fuzz run -s none "$target" -- "${options[@]}" 2>&1 | tee "$log" |
    grep --line-buffered -E 'DONE|left epidelta|at once|^==|ERROR|Test unit' || true
  found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  if [ -z "$found" ] && ! grep -q DONE "$log"; then
    found='did not run'
    tail -n 20 "$log"
  fi
  [ -z "$found" ] || failed=1
  row "$target" $((SECONDS - started)) "$(last stat::number_of_executed_units:)" \
    "$(last stat::average_exec_per_sec:)" "$(last ' cov:')" "$(last ' ft:')" \
    "$(last stat::peak_rss_mb:)" "${found:-nothing}" >>"$results"
done
cat "$results"
exit $failed
