//! Windows sorted along their chromosomes, to find those that a read or a value
//! overlaps.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
    path::Path,
};

use super::windows::Windows;
use crate::{
    error::{Error, Place, Result},
    genome::{Strand, other_name},
    signal::Contig,
};

/// Windows by chromosome, sorted by where they begin.
#[derive(Debug)]
pub struct Chroms {
    by_name: BTreeMap<String, Chrom>,
    pub(super) bin_size: i64,
    pub(super) bins: usize,
    /// For each sorted window its row among the windows as listed.
    order: Vec<usize>,
}

/// The windows of one chromosome.
#[derive(Debug)]
pub(super) struct Chrom {
    /// First bases, ascending.
    pub(super) starts: Vec<i64>,
    pub(super) strands: Vec<Option<Strand>>,
    /// Place of the first of these windows among all sorted ones.
    pub(super) offset: usize,
    /// For each stretch of the chromosome the first window that may reach into it.
    first: Vec<u32>,
    width: i64,
}

/// Stretches of the chromosome that [`Chrom::first`] tells apart: 4,096 bp.
const STRETCH_BITS: u32 = 12;

/// How the names of a file's contigs were understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameNotes {
    /// Contigs known by their other customary name: in the file, in the annotation.
    pub renamed: Vec<(String, String)>,
    /// Contigs on which no gene lies.
    pub without_genes: Vec<String>,
    /// Lengths that the file tells, bp, by the annotation's names.
    pub sizes: BTreeMap<String, i64>,
}

impl Chroms {
    /// Sorts windows.
    pub fn new(windows: &Windows) -> Self {
        let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (row, window) in windows.list.iter().enumerate() {
            rows.entry(&window.chrom).or_default().push(row);
        }
        let width = windows.bins.width();
        let mut order = Vec::with_capacity(windows.list.len());
        let mut by_name = BTreeMap::new();
        for (name, mut rows) in rows {
            rows.sort_by_key(|&row| windows.list[row].start);
            let starts: Vec<i64> = rows.iter().map(|&row| windows.list[row].start).collect();
            let strands = rows.iter().map(|&row| windows.list[row].strand).collect();
            let chrom = Chrom {
                first: first_windows(&starts, width),
                starts,
                strands,
                offset: order.len(),
                width,
            };
            by_name.insert(name.to_owned(), chrom);
            order.extend(rows);
        }
        Chroms {
            by_name,
            bin_size: i64::from(windows.bins.size),
            bins: windows.bins.count(),
            order,
        }
    }

    /// Number of windows.
    pub(super) fn windows(&self) -> usize {
        self.order.len()
    }

    /// Brings numbers of sorted windows, `[window, bin]`, into the order of the
    /// list.
    pub(super) fn as_listed<T: Copy + Default>(&self, sorted: &[T]) -> Vec<T> {
        let mut listed = vec![T::default(); sorted.len()];
        for (&row, bins) in self.order.iter().zip(sorted.chunks_exact(self.bins)) {
            listed[row * self.bins..][..self.bins].copy_from_slice(bins);
        }
        listed
    }

    /// The regions that windows of a chromosome cover, merged where they overlap
    /// or touch, by its name in either custom.
    pub fn regions(&self, contig: &str) -> Vec<(i64, i64)> {
        let other = other_name(contig);
        let chrom = self
            .by_name
            .get(contig)
            .or_else(|| self.by_name.get(&other));
        let mut regions: Vec<(i64, i64)> = Vec::new();
        for &start in chrom.map_or(&[][..], |chrom| &chrom.starts) {
            let end = start + chrom.map_or(0, |chrom| chrom.width);
            match regions.last_mut() {
                Some(last) if start <= last.1 => last.1 = end,
                _ => regions.push((start, end)),
            }
        }
        regions
    }
}

/// For every stretch up to the last window's end, the first window that does not
/// end before it.
fn first_windows(starts: &[i64], width: i64) -> Vec<u32> {
    let end = starts.last().map_or(0, |start| start + width).max(0);
    (0..=end >> STRETCH_BITS)
        .map(|stretch| {
            let begin = stretch << STRETCH_BITS;
            starts.partition_point(|&start| start + width <= begin) as u32
        })
        .collect()
}

impl Chrom {
    /// The windows that overlap the bases from `start` to before `end`.
    #[inline]
    pub(super) fn overlapping(&self, start: i64, end: i64) -> Range<usize> {
        let stretch = (start.max(0) >> STRETCH_BITS) as usize;
        let Some(&first) = self.first.get(stretch) else {
            return 0..0;
        };
        let mut first = first as usize;
        while first < self.starts.len() && self.starts[first] + self.width <= start {
            first += 1;
        }
        let mut last = first;
        while last < self.starts.len() && self.starts[last] < end {
            last += 1;
        }
        first..last
    }
}

/// Which chromosome each contig of a file is.
#[derive(Debug, Default)]
pub(super) struct ContigMap<'c> {
    chroms: Vec<Option<&'c Chrom>>,
    /// The file's name of each chromosome met so far.
    names: HashMap<&'c str, String>,
    notes: NameNotes,
}

impl<'c> ContigMap<'c> {
    /// Takes in the contigs that have come since the last call.
    pub(super) fn extend(
        &mut self,
        path: &Path,
        chroms: &'c Chroms,
        contigs: &[Contig],
    ) -> Result<()> {
        let new = &contigs[self.chroms.len()..];
        if new.is_empty() {
            return Ok(());
        }
        let in_file: BTreeSet<&str> = contigs.iter().map(|contig| contig.name.as_str()).collect();
        for contig in new {
            let other = other_name(&contig.name);
            let exact = chroms.by_name.get_key_value(&contig.name);
            // A contig of the very name comes before one of the other custom.
            let found = exact.or_else(|| {
                let found = chroms.by_name.get_key_value(&other);
                found.filter(|(name, _)| !in_file.contains(name.as_str()))
            });
            self.chroms.push(found.map(|(_, chrom)| chrom));
            let Some((name, _)) = found else {
                self.notes.without_genes.push(contig.name.clone());
                continue;
            };
            if let Some(earlier) = self.names.insert(name, contig.name.clone()) {
                return Err(Error::content(
                    path,
                    Place::File,
                    "one name for each chromosome",
                    format!("both {earlier} and {}", contig.name),
                    "Make the file again with one custom of naming chromosomes",
                ));
            }
            if let Some(length) = contig.length {
                self.notes.sizes.insert(name.clone(), length);
            }
            if *name != contig.name {
                let pair = (contig.name.clone(), name.clone());
                self.notes.renamed.push(pair);
            }
        }
        Ok(())
    }

    /// The windows of a contig.
    #[inline]
    pub(super) fn chrom(&self, contig: usize) -> Option<&'c Chrom> {
        self.chroms[contig]
    }

    /// How the names were understood.
    ///
    /// # Errors
    /// When the file shares no chromosome with the windows.
    pub(super) fn finish(self, path: &Path, chroms: &Chroms) -> Result<NameNotes> {
        if self.names.is_empty() {
            let first = |names: Vec<&str>| match names[..] {
                [] => "none".to_owned(),
                _ => names.into_iter().take(3).collect::<Vec<_>>().join(", "),
            };
            let of_file = self.notes.without_genes.iter().map(String::as_str);
            let of_genes = chroms.by_name.keys().map(String::as_str);
            return Err(Error::content(
                path,
                Place::File,
                format!(
                    "chromosomes of the annotation ({}, ...)",
                    first(of_genes.collect())
                ),
                format!("other ones ({})", first(of_file.collect())),
                "Give an annotation of the genome that the reads were aligned to",
            ));
        }
        Ok(self.notes)
    }
}
