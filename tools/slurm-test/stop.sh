#!/usr/bin/env bash
# End what start.sh started: first the jobs, for they outlive their slurmd, then the daemons.
set -euo pipefail

state=${SLURM_TEST_STATE:-/tmp/slurm-test-state}

# Without a slurmctld, scancel and squeue would try for minutes.
if [[ -e $state/slurmctld.pid ]] && timeout 5 scontrol ping >/dev/null 2>&1; then
    scancel --user="$(id -un)" || true
    for _ in {1..30}; do
        [[ $(squeue -h) ]] || break
        sleep 1
    done
fi

for name in slurmd slurmctld munged; do
    pid=$(cat "$state/$name.pid" 2>/dev/null) || continue
    # The pid may be another program's by now.
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$name" ]] || continue
    kill "$pid"
    for _ in {1..40}; do
        [[ -e /proc/$pid ]] || break
        sleep 0.5
    done
done
