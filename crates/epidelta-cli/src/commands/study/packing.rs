//! How many runs of a study go at once.

use std::fs;

use epidelta::study::{PlannedRun, Workers};

/// The share of the memory that is free which runs may take.
const USABLE: f64 = 0.9;

/// The threads, divided among runs at once: those asked for, or one per thread, since many runs
/// of one thread are done sooner than the same one after the other with many, but no more than
/// memory has room for.
pub fn workers(asked: Option<u16>, planned: &[PlannedRun]) -> Workers {
    let threads = rayon::current_num_threads();
    let runs = asked.map_or_else(|| fitting(threads, planned), usize::from);
    let runs = runs.min(planned.len()).max(1);
    Workers {
        runs,
        threads: (threads / runs).max(1),
    }
}

fn fitting(threads: usize, planned: &[PlannedRun]) -> usize {
    let each = planned.iter().filter_map(|run| run.memory_mb);
    let (Some(most), Some(free)) = (each.reduce(f64::max), free_memory_mb()) else {
        return threads;
    };
    let fitting = (USABLE * free / most.max(1.0)) as usize;
    if fitting < threads {
        tracing::info!(
            "a run may take {most:.0} MB, and {free:.0} MB are free: fewer runs at once than \
             threads"
        );
    }
    fitting.clamp(1, threads)
}

/// Memory that this process may still take, MB, where the system tells: what is available, or
/// what the control group (as of a Slurm job or a container) leaves, if that is less.
fn free_memory_mb() -> Option<f64> {
    let available = fs::read_to_string("/proc/meminfo").ok()?;
    let line = available
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    let of_group = group_limit().unwrap_or(f64::INFINITY);
    Some((kib * 1024.0).min(of_group) / 1e6)
}

/// What the process's control group and those around it leave, bytes: of version 2, or of version 1
/// where that is in use.
fn group_limit() -> Option<f64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let left = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        match (fields.next()?, fields.next()?) {
            ("", group) => left_in(
                "/sys/fs/cgroup",
                group,
                ["memory.max", "memory.current", "inactive_file "],
            ),
            ("memory", group) => left_in(
                "/sys/fs/cgroup/memory",
                group,
                [
                    "memory.limit_in_bytes",
                    "memory.usage_in_bytes",
                    "total_inactive_file ",
                ],
            ),
            _ => None,
        }
    });
    left.reduce(f64::min)
}

/// The least that a group or one around it leaves. Files that were read and are only kept in memory
/// for later are no obstacle.
fn left_in(root: &str, group: &str, [limit, usage, kept]: [&str; 3]) -> Option<f64> {
    let read = |file: &str, group: &str| fs::read_to_string(format!("{root}{group}/{file}")).ok();
    let number =
        |file: &str, group: &str| -> Option<f64> { read(file, group)?.trim().parse().ok() };
    let ends = group.match_indices('/').map(|(at, _)| at);
    let left = ends.chain([group.len()]).filter_map(|end| {
        let group = &group[..end];
        let of_files = read("memory.stat", group).and_then(|stat| {
            let line = stat.lines().find_map(|line| line.strip_prefix(kept))?;
            line.trim().parse::<f64>().ok()
        });
        Some(number(limit, group)? - number(usage, group)? + of_files.unwrap_or(0.0))
    });
    left.reduce(f64::min)
}
