#!/usr/bin/env bash
# Start a real one-node Slurm here, for tests: munged, slurmctld and slurmd by hand, as a container
# has no systemd. May be run again at any time; ./stop.sh ends it. Needs root and Debian.
# Settings: SLURM_TEST_CPUS, SLURM_TEST_MEM_MB, SLURM_TEST_STATE (see below).
set -euo pipefail

state=${SLURM_TEST_STATE:-/tmp/slurm-test-state}
cpus=${SLURM_TEST_CPUS:-$(nproc)}
mem_mb=${SLURM_TEST_MEM_MB:-$(awk '/^MemTotal:/ { print int($2 / 1024 * 5 / 6) }' /proc/meminfo)}
host=$(hostname -s)
marker='# Written by tools/slurm-test/start.sh, which may overwrite it.'

for file in /etc/slurm/{slurm,cgroup}.conf; do
    if [[ -e $file ]] && ! grep -qxF "$marker" "$file"; then
        echo "start.sh: $file is not mine, so I leave this machine's Slurm alone." >&2
        exit 1
    fi
done

missing=
for program in munged slurmctld slurmd squeue; do
    command -v "$program" >/dev/null || missing=yes
done
if [[ $missing ]]; then
    apt-get update -q
    # Without systemd the packages start nothing; munge's makes the key.
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
        munge slurm-client slurmctld slurmd
fi

# True while the daemon that wrote this pid file lives (its pid may be another program's by now).
running() { # name
    local pid
    pid=$(cat "$state/$1.pid" 2>/dev/null) && [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$1" ]]
}

# With cgroups, as on real clusters, scancel signals only the processes that srun started, and
# nothing of a job outlives it. Where there are none to be had, Slurm follows parent processes
# instead: it then signals all of them, and loses those whose parent has died.
proctrack=linuxproc
if mkdir -p /sys/fs/cgroup/freezer/slurm-test 2>/dev/null; then
    rmdir /sys/fs/cgroup/freezer/slurm-test
    proctrack=cgroup
fi

mkdir -p "$state"/{munge,ctld,slurmd,log} /etc/slurm
chmod 755 "$state" # munged wants folders that no one else may write

conf=$(
    cat <<CONF
$marker
ClusterName=test
# Listen only where this host's own name points: in a container mostly the loopback.
SlurmctldHost=$host
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$state/munge/socket
MpiDefault=none

# Memory and CPUs are shared out, but a job that takes more is not stopped.
ProctrackType=proctrack/$proctrack
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# Believe the number of CPUs below, so that a test may ask for more than there are.
SlurmdParameters=config_overrides

# No accounting database: finished jobs must stay in squeue for those who ask how they ended.
AccountingStorageType=accounting_storage/none
MinJobAge=3600

# Look for work often, since tests wait for it.
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
# Refuse a job that can never start, rather than let it wait for ever.
EnforcePartLimits=ALL
JobRequeue=1
# Seconds from SIGTERM to SIGKILL.
KillWait=10
ReturnToService=2

StateSaveLocation=$state/ctld
SlurmdSpoolDir=$state/slurmd
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/slurmd.pid
SlurmctldLogFile=$state/log/slurmctld.log
SlurmdLogFile=$state/log/slurmd.log

NodeName=$host CPUs=$cpus RealMemory=$mem_mb State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE DefMemPerCPU=1000 State=UP
CONF
)
if [[ ! -e /etc/slurm/cgroup.conf || $conf != "$(cat /etc/slurm/slurm.conf 2>/dev/null)" ]]; then
    # Daemons that run have the old settings, and clients need those to stop them.
    if running slurmctld || running slurmd; then
        "$(dirname "$0")/stop.sh"
    fi
    printf '%s\n' "$conf" >/etc/slurm/slurm.conf
    # Slurm 22.05 finds no cgroups at all without this file.
    printf '%s\n' "$marker" CgroupMountpoint=/sys/fs/cgroup >/etc/slurm/cgroup.conf
fi

[[ -s /etc/munge/munge.key ]] || runuser -u munge -- mungekey
if ! running munged; then
    # As Debian does it: under its own user, who must then own its folder.
    chown munge: "$state/munge"
    runuser -u munge -- munged --socket="$state/munge/socket" --seed-file="$state/munge/seed" \
        --pid-file="$state/munge/munged.pid" --log-file="$state/munge/munged.log"
    ln -sf munge/munged.pid "$state/munged.pid"
fi
running slurmctld || slurmctld
running slurmd || slurmd

for _ in {1..30}; do
    case $(sinfo -h -o %t 2>/dev/null || true) in
    idle | mix | alloc)
        sinfo
        exit 0
        ;;
    drain*) scontrol update NodeName="$host" State=RESUME || true ;;
    esac
    sleep 1
done
echo "start.sh: the node did not come up; the last of $state/log:" >&2
tail -n 20 "$state"/log/*.log >&2
exit 1
