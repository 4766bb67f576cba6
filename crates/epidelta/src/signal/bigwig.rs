//! bigWig (Kent et al., Bioinformatics 26, 2010): indexed, so only the regions
//! asked for are read.

mod check;

use std::{
    fs::File,
    io::BufReader,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use bigtools::BigWigRead;

use super::{Batch, Batcher, Contig, Regions, Value};
use crate::{
    error::{Error, Place, Result},
    input::Meter,
    provenance::{self, Source},
};

pub(super) fn read(
    path: &Path,
    meter: &Meter,
    regions: &Regions<'_>,
    visit: &mut dyn FnMut(Batch<'_, Value>) -> Result<()>,
) -> Result<Source> {
    // The file is read here and there by its index; it is hashed apart.
    let source = provenance::source("signal", path)?;
    meter.add(source.size);
    // The decoder panics on some damaged files instead of failing.
    catch_unwind(AssertUnwindSafe(|| decode(path, regions, visit)))
        .unwrap_or_else(|_| Err(damaged(path, "its parts contradict each other")))?;
    Ok(source)
}

fn damaged(path: &Path, problem: impl std::fmt::Display) -> Error {
    Error::content(
        path,
        Place::File,
        "a complete bigWig file",
        format!("a damaged or truncated one ({problem})"),
        "Copy or make the file again",
    )
}

fn decode(
    path: &Path,
    regions: &Regions<'_>,
    visit: &mut dyn FnMut(Batch<'_, Value>) -> Result<()>,
) -> Result<()> {
    let open = || File::open(path).map_err(Error::io("read", path));
    check::check(BufReader::new(open()?)).map_err(|e| damaged(path, e))?;
    let file = open()?;
    let reader = BigWigRead::open(file).map_err(|e| damaged(path, e))?;
    // Neighbouring regions lie in the same blocks: decoded ones are kept a while.
    let mut reader = reader.cached();
    let contigs: Vec<Contig> = reader
        .chroms()
        .iter()
        .map(|chrom| Contig {
            name: chrom.name.clone(),
            length: Some(i64::from(chrom.length)),
        })
        .collect();
    let mut batcher = Batcher::new(contigs.clone(), visit);
    // The contigs come first, so that a file that shares none is told early.
    batcher.flush()?;
    for (row, contig) in contigs.iter().enumerate() {
        let length = contig.length.unwrap_or(0);
        for (start, end) in regions(&contig.name) {
            let inside = |position: i64| u32::try_from(position.clamp(0, length)).unwrap_or(0);
            let (first, last) = (inside(start), inside(end));
            if first >= last {
                continue;
            }
            let values = reader
                .get_interval(&contig.name, first, last)
                .map_err(|e| damaged(path, e))?;
            for value in values {
                let value = value.map_err(|e| damaged(path, e))?;
                if value.value.is_infinite() {
                    return Err(Error::content(
                        path,
                        Place::File,
                        "finite values",
                        format!("{} at {}:{}", value.value, contig.name, value.start),
                        "Make the file again",
                    ));
                }
                let (start, end) = (value.start.max(first), value.end.min(last));
                if value.value.is_nan() || start >= end {
                    continue;
                }
                batcher.push(Value {
                    contig: row,
                    start: i64::from(start),
                    end: i64::from(end),
                    value: value.value,
                })?;
            }
        }
    }
    batcher.flush()
}
