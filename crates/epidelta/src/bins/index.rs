//! Windows sorted along their chromosomes, to find those that a read or a value
//! overlaps.

use std::{
    collections::{BTreeMap, HashMap},
    ops::{Range, RangeInclusive},
    path::Path,
};

use super::windows::Windows;
use crate::{
    error::{Error, Place, Result},
    genome::{ChromSizes, Strand, bare_name},
    signal::Contig,
};

/// Windows by chromosome, sorted by where they begin.
#[derive(Debug)]
pub struct WindowIndex {
    by_name: BTreeMap<String, Chrom>,
    /// Names by what is common to their customs; none where several share that.
    by_bare_name: HashMap<String, Option<String>>,
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
    /// Length, bp; without limit where it is not known.
    length: i64,
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
    /// Those of them that may be a chromosome with genes, but of which the file has
    /// another one by that name or a name of another custom.
    pub ambiguous: Vec<String>,
    /// Chromosomes with genes that the file's header does not name, and how many
    /// genes lie there.
    pub absent: Vec<(String, usize)>,
    /// Lengths that the file tells, bp, by the annotation's names.
    pub sizes: BTreeMap<String, i64>,
}

impl WindowIndex {
    /// Sorts windows. Where `sizes` tells the length of their chromosome, by the
    /// windows' own names, nothing past it counts.
    pub fn new(windows: &Windows, sizes: &ChromSizes) -> Self {
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
                length: sizes.get(name).copied().unwrap_or(i64::MAX),
            };
            by_name.insert(name.to_owned(), chrom);
            order.extend(rows);
        }
        let mut by_bare_name: HashMap<String, Option<String>> = HashMap::new();
        for name in by_name.keys() {
            by_bare_name
                .entry(bare_name(name).to_owned())
                .and_modify(|known| *known = None)
                .or_insert_with(|| Some(name.clone()));
        }
        WindowIndex {
            by_name,
            by_bare_name,
            bin_size: i64::from(windows.bins.size),
            bins: windows.bins.count(),
            order,
        }
    }

    /// The bins, by their places among all sorted ones, of a window of a chromosome
    /// that overlap the bases from `start` to before `end`, which overlap the window.
    #[inline]
    pub(super) fn bins_of(
        &self,
        chrom: &Chrom,
        window: usize,
        start: i64,
        end: i64,
    ) -> RangeInclusive<usize> {
        let begin = chrom.starts[window];
        let first = (start - begin).max(0) / self.bin_size;
        let last = ((end - 1 - begin) / self.bin_size).min(self.bins as i64 - 1);
        let of_window = (chrom.offset + window) * self.bins;
        of_window + first as usize..=of_window + last as usize
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

    /// The annotation's name of a chromosome: the very name, or else the only one
    /// that is the same but for the custom.
    pub fn resolve(&self, name: &str) -> Option<&str> {
        let exact = self.by_name.get_key_value(name).map(|(name, _)| name);
        let customary = || self.by_bare_name.get(bare_name(name))?.as_ref();
        exact.or_else(customary).map(String::as_str)
    }

    /// The regions that windows of a chromosome cover, merged where they overlap
    /// or touch, by its name in any custom.
    pub fn regions(&self, contig: &str) -> Vec<(i64, i64)> {
        let chrom = self.resolve(contig).and_then(|name| self.by_name.get(name));
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
    contigs: Vec<PlacedContig<'c>>,
    /// How many contigs of the file have a name but for the custom.
    bare_names: HashMap<String, usize>,
    /// The file's name of each chromosome met so far.
    names: HashMap<&'c str, String>,
    notes: NameNotes,
}

/// A contig of a file: its windows, if it has any, and where it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlacedContig<'c> {
    pub(super) chrom: Option<&'c Chrom>,
    /// Length, bp; without limit where the file does not tell.
    pub(super) length: i64,
}

impl<'c> ContigMap<'c> {
    /// Takes in the contigs that have come since the last call.
    pub(super) fn extend(
        &mut self,
        path: &Path,
        index: &'c WindowIndex,
        contigs: &[Contig],
    ) -> Result<()> {
        let new = &contigs[self.contigs.len()..];
        for contig in new {
            let bare = bare_name(&contig.name).to_owned();
            *self.bare_names.entry(bare).or_default() += 1;
        }
        for contig in new {
            let name = index.resolve(&contig.name);
            // A contig of the very name comes before one of another custom; of several
            // of other customs none can be told to be the one.
            let alone = self.bare_names.get(bare_name(&contig.name)) == Some(&1);
            if name.is_some_and(|name| name != contig.name && !alone) {
                self.notes.ambiguous.push(contig.name.clone());
            }
            let name = name.filter(|name| *name == contig.name || alone);
            let chrom = name.and_then(|name| index.by_name.get(name));
            let told = chrom.map_or(i64::MAX, |chrom| chrom.length);
            self.contigs.push(PlacedContig {
                chrom,
                length: contig.length.unwrap_or(told),
            });
            let Some(name) = name else {
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
                self.notes.sizes.insert(name.to_owned(), length);
            }
            if name != contig.name {
                let pair = (contig.name.clone(), name.to_owned());
                self.notes.renamed.push(pair);
            }
        }
        Ok(())
    }

    /// A contig, by its place in the file's list.
    #[inline]
    pub(super) fn contig(&self, place: usize) -> PlacedContig<'c> {
        self.contigs[place]
    }

    /// How the names were understood.
    ///
    /// # Errors
    /// When the file shares no chromosome with the windows.
    pub(super) fn finish(mut self, path: &Path, index: &WindowIndex) -> Result<NameNotes> {
        if self.contigs.is_empty() {
            let remedy = "Check that the file is complete";
            return Err(Error::content(path, Place::File, "records", "none", remedy));
        }
        if self.names.is_empty() {
            let first = |names: Vec<&str>| match names[..] {
                [] => "none".to_owned(),
                _ => names.into_iter().take(3).collect::<Vec<_>>().join(", "),
            };
            let of_file = self.notes.without_genes.iter().map(String::as_str);
            let of_genes = index.by_name.keys().map(String::as_str);
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
        // Only a header tells what a file could have.
        if !self.notes.sizes.is_empty() {
            let absent = index.by_name.iter();
            let absent = absent.filter(|(name, _)| !self.names.contains_key(name.as_str()));
            self.notes.absent = absent
                .map(|(name, chrom)| (name.clone(), chrom.starts.len()))
                .collect();
        }
        Ok(self.notes)
    }
}
