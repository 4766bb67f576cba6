//! The state of a network in training, with the right checksum, gone on with for one batch.
#![no_main]

use epidelta::provenance::seal::seal;
use epidelta_fuzz::{STATE, file, target, train_one_batch};

target!(|data| {
    let mut bytes = data.to_vec();
    seal(&mut bytes, br#""sha256":""#);
    file(STATE, &bytes);
    train_one_batch();
});
