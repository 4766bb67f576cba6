//! What the targets share.
//!
//! A target gives a reader a file of any bytes. Whatever the reader says of it is fine; a
//! panic that leaves it, a hang, and memory for what a file only claims to hold are not.
//!
//! Where one target has several formats, the first byte of the input says which.

mod alignments;
mod allocator;
mod file;
mod panics;
mod small;

pub use alignments::{bgzf, with_cram_checksums};
pub use file::{file, folder};
pub use panics::{prepare, watched};
pub use small::{
    BINS, LEARNERS, STATE, Template, networks, pair, size, small_settings, template,
    train_one_batch, trained,
};

/// Splits the first byte, which chooses, from the file's bytes; none of an empty input.
pub fn choose(data: &[u8]) -> Option<(u8, &[u8])> {
    data.split_first().map(|(&choice, rest)| (choice, rest))
}

/// The bytes of a Parquet file with the right checksum, where it holds one, so that damage reaches
/// what is behind it.
pub fn sealed_parquet(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    epidelta::provenance::seal::seal(&mut bytes, b"epidelta.sha256\x18\x40");
    bytes
}

/// A target: what is done with the bytes of an input.
#[macro_export]
macro_rules! target {
    (|$data:ident| $body:expr) => {
        libfuzzer_sys::fuzz_target!(init: $crate::prepare(), |$data: &[u8]| {
            $crate::watched(|| $body)
        });
    };
}
