//! Parquet files that hold their own checksum, under the key `epidelta.sha256` of the footer.
//! Files that name epidelta as the program that wrote them must have it; files that another
//! program wrote, from scratch or from one of epidelta's, need not.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
    file::{metadata::KeyValue, properties::WriterPropertiesBuilder},
};

use super::parquet_check;
use crate::{
    error::{Error, Result},
    output::write_atomically,
    provenance::seal::{self, UNSEALED},
};

const KEY: &str = "epidelta.sha256";
/// The key as it stands in the footer (Thrift's compact protocol), up to the checksum: then
/// come the type of the value and its length.
const SEAL: &[u8] = b"epidelta.sha256\x18\x40";

/// How the name of the program that wrote a file begins.
const WRITER: &str = "epidelta ";

const REMEDY: &str = "Copy or make it again";

/// Writes a table of one batch; the file appears whole or not at all.
pub(super) fn write(
    batch: &RecordBatch,
    properties: WriterPropertiesBuilder,
    path: &Path,
    force: bool,
) -> Result<()> {
    let checksum = KeyValue::new(KEY.to_owned(), UNSEALED.to_owned());
    let properties = properties
        .set_created_by(format!("{WRITER}{}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(vec![checksum]));
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

/// Opens a file whose checksum, if it has one, is right.
///
/// `not_parquet` makes the error for a file that Parquet cannot read.
pub(super) fn read(
    path: &Path,
    not_parquet: impl Fn(&dyn std::fmt::Display) -> Error,
) -> Result<ParquetRecordBatchReaderBuilder<Bytes>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    // Whatever is not Parquet at all is not read whole, however large it is.
    parquet_check::check_footer(&file).map_err(|error| not_parquet(&error))?;
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let is_whole = seal::is_whole(&bytes, SEAL);
    let not_parquet = |error: &dyn std::fmt::Display| {
        // Damage is the better reason, where it is known.
        let damaged = is_whole == Some(false);
        let damaged = damaged.then(|| seal::check(path, is_whole, REMEDY).err());
        damaged.flatten().unwrap_or_else(|| not_parquet(error))
    };
    let bytes = Bytes::from(bytes);
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone())
        .map_err(|error| not_parquet(&error))?;
    parquet_check::check_pages(&bytes, builder.metadata()).map_err(|error| not_parquet(&error))?;
    let writer = builder.metadata().file_metadata().created_by();
    if is_whole != Some(true) && !is_of_another(writer) {
        seal::check(path, is_whole, REMEDY)?;
    }
    Ok(builder)
}

/// Reads a file's footer, and nothing else of it: its checksum is not looked at.
///
/// `not_parquet` makes the error for a file that Parquet cannot read.
pub(super) fn read_footer(
    path: &Path,
    not_parquet: impl Fn(&dyn std::fmt::Display) -> Error,
) -> Result<ArrowReaderMetadata> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    parquet_check::check_footer(&file).map_err(|error| not_parquet(&error))?;
    ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())
        .map_err(|error| not_parquet(&error))
}

/// Whether a file was written by another program, which may have taken over a checksum that
/// was the earlier file's. A name of which one byte was changed is still epidelta's.
fn is_of_another(writer: Option<&str>) -> bool {
    let (start, end) = WRITER.split_at(WRITER.len() / 2);
    writer.is_none_or(|writer| {
        let of_epidelta = writer.starts_with(start)
            || writer
                .get(start.len()..)
                .is_some_and(|rest| rest.starts_with(end));
        !of_epidelta
    })
}
