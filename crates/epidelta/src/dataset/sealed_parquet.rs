//! Parquet files that hold their own checksum, under the key `epidelta.sha256` of the footer.
//! Files that name epidelta as the program that wrote them must have it; files that another
//! program wrote, from scratch or from one of epidelta's, need not.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
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
    // Whatever is not Parquet at all is not read whole, however large it is.
    let mut magic = Vec::new();
    let file = File::open(path).map_err(Error::io("read", path))?;
    file.take(MAGIC.len() as u64)
        .read_to_end(&mut magic)
        .map_err(Error::io("read", path))?;
    if magic != MAGIC {
        return Err(not_parquet(&"it does not begin with PAR1"));
    }
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let has_checksum = match seal::is_whole(&bytes, SEAL) {
        None => false,
        Some(_) => seal::check(path, &bytes, SEAL, REMEDY).map(|()| true)?,
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes))
        .map_err(|error| not_parquet(&error))?;
    let writer = builder.metadata().file_metadata().created_by();
    if writer.is_some_and(|writer| writer.starts_with(WRITER)) && !has_checksum {
        let expected = "the checksum that the file was written with";
        let found = "none: it was changed or damaged";
        return Err(Error::content(path, Place::File, expected, found, REMEDY));
    }
    Ok(builder)
}
