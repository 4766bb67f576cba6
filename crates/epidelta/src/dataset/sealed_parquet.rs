//! Parquet files that hold their own checksum, under the key `epidelta.sha256` of the footer.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::{
    arrow::ArrowWriter,
    file::{metadata::KeyValue, properties::WriterPropertiesBuilder},
};

use crate::{
    error::{Error, Place, Result},
    output::write_atomically,
    provenance::seal::{self, UNSEALED},
};

const KEY: &str = "epidelta.sha256";
/// The key as it stands in the footer (Thrift's compact protocol), up to the checksum: then
/// come the type of the value and its length.
const SEAL: &[u8] = b"epidelta.sha256\x18\x40";
const MAGIC: &[u8] = b"PAR1";

const REMEDY: &str = "Copy or make it again. If you changed it on purpose, take the key \
                      epidelta.sha256 out of its metadata and set epidelta.format to 1";

/// Writes a table of one batch; the file appears whole or not at all.
pub(super) fn write(
    batch: &RecordBatch,
    properties: WriterPropertiesBuilder,
    path: &Path,
    force: bool,
) -> Result<()> {
    let checksum = KeyValue::new(KEY.to_owned(), UNSEALED.to_owned());
    let properties = properties.set_key_value_metadata(Some(vec![checksum]));
    let written = || {
        let mut bytes = Vec::new();
        let mut writer =
            ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build()))?;
        writer.write(batch)?;
        writer.close()?;
        Ok(bytes)
    };
    let failed =
        |error: parquet::errors::ParquetError| Error::io("write", path)(io::Error::other(error));
    let mut bytes = written().map_err(failed)?;
    if !seal::seal(&mut bytes, SEAL) {
        let error = io::Error::other("its footer has no place for a checksum");
        return Err(Error::io("write", path)(error));
    }
    write_atomically(path, force, |file| file.write_all(&bytes))
}

/// A file's bytes, and whether they hold a checksum, which is right if they do.
pub(super) fn read(path: &Path) -> Result<(Bytes, bool)> {
    // Whatever is not Parquet at all is not read whole, however large it is.
    let mut magic = Vec::new();
    let file = File::open(path).map_err(Error::io("read", path))?;
    file.take(MAGIC.len() as u64)
        .read_to_end(&mut magic)
        .map_err(Error::io("read", path))?;
    if magic != MAGIC {
        return Err(Error::content(
            path,
            Place::File,
            "a Parquet file, which begins with PAR1",
            "something else",
            "It may be of another format, or not completely copied",
        ));
    }
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let has_checksum = match seal::is_whole(&bytes, SEAL) {
        None => false,
        Some(_) => seal::check(path, &bytes, SEAL, REMEDY).map(|()| true)?,
    };
    Ok((Bytes::from(bytes), has_checksum))
}

/// The error for a file that should hold its checksum and does not.
pub(super) fn without_checksum(path: &Path) -> Error {
    Error::content(
        path,
        Place::File,
        "the checksum that the file was written with",
        "none: it was changed or damaged",
        REMEDY,
    )
}
