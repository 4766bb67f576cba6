//! Looks through what a Parquet file claims of its parts before the library that reads it
//! takes it at its word: it reserves as much memory as a schema says that it has columns, and
//! a page that it has bytes.
//!
//! Layout: Apache Parquet's `parquet.thrift`, in Thrift's compact protocol.

mod shapes;
mod thrift;

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
};

use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use thrift::{Thrift, cut_off, wrong};

const MAGIC: [u8; 4] = *b"PAR1";
/// Bytes behind the footer: its size, and the magic number.
const END: u64 = 8;
/// Bytes that a page may have, decompressed: a hundred times the usual.
const LARGEST_PAGE: u64 = 1 << 28;
/// Columns within each other; lists of a number for each bin are two deep.
const DEEPEST: usize = 16;

/// Checks the footer, before the library reads it.
///
/// # Errors
/// When it claims what cannot be, or the file is damaged.
pub(super) fn check_footer(file: &File) -> io::Result<()> {
    let mut file = BufReader::new(file);
    let size = file.seek(SeekFrom::End(0))?;
    let mut end = [0; END as usize];
    let footer_end = size.checked_sub(END).ok_or_else(cut_off)?;
    file.seek(SeekFrom::Start(footer_end))?;
    file.read_exact(&mut end)?;
    let [a, b, c, d, magic @ ..] = end;
    if magic != MAGIC {
        return Err(wrong("no footer"));
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let footer = footer_end.checked_sub(length).ok_or_else(cut_off)?;
    file.seek(SeekFrom::Start(footer))?;
    Thrift::new(file, length).fields(shapes::FILE, &mut |file, field| match field {
        shapes::COLUMNS => check_columns(file).map(|()| true),
        _ => Ok(false),
    })
}

/// Checks that no column claims to hold more others than there are, or is too deep.
fn check_columns(file: &mut Thrift<impl Read>) -> io::Result<()> {
    let mut most_children = 0;
    // How many columns are still to come in each that the present one is within.
    let mut within: Vec<u64> = Vec::new();
    let columns = file.structures(&mut |columns| {
        let mut children = 0;
        columns.fields(shapes::COLUMN, &mut |column, field| {
            if field == shapes::CHILDREN {
                children = column.size()?;
            }
            Ok(field == shapes::CHILDREN)
        })?;
        most_children = children.max(most_children);
        if let Some(still) = within.last_mut() {
            *still -= 1;
        }
        within.push(children);
        while within.last() == Some(&0) {
            within.pop();
        }
        match within.len() > DEEPEST {
            true => Err(wrong("columns within each other")),
            false => Ok(()),
        }
    })?;
    match most_children > columns {
        true => Err(wrong(format!("{most_children} columns of {columns}"))),
        false => Ok(()),
    }
}

/// Checks the pages of all columns, before the library reads them, where its reading of the
/// footer says that they are.
///
/// # Errors
/// As [`check_footer`].
pub(super) fn check_pages(bytes: &[u8], footer: &ParquetMetaData) -> io::Result<()> {
    let chunks = || footer.row_groups().iter().flat_map(|rows| rows.columns());
    let mut together = 0_u64;
    for chunk in chunks() {
        let (start, end) = place(chunk)?;
        together = together.saturating_add(end - start);
        if end > bytes.len() as u64 || together > bytes.len() as u64 {
            return Err(wrong("columns of more bytes than there are"));
        }
        let mut at = start;
        while at < end {
            let (mut decompressed, mut stored) = (0, 0);
            let mut header = Thrift::new(&bytes[at as usize..end as usize], end - at);
            header.fields(shapes::PAGE, &mut |header, field| {
                match field {
                    shapes::PAGE_SIZE => decompressed = header.size()?,
                    shapes::PAGE_STORED => stored = header.size()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
            if decompressed > LARGEST_PAGE {
                return Err(wrong(format!("a page of {decompressed} bytes")));
            }
            at = (end - header.left).saturating_add(stored);
        }
    }
    Ok(())
}

/// Where a column begins and ends, of some of the rows: as the library finds it.
fn place(chunk: &ColumnChunkMetaData) -> io::Result<(u64, u64)> {
    let start = match chunk.dictionary_page_offset() {
        Some(dictionary) => dictionary,
        None => chunk.data_page_offset(),
    };
    let number = |number: i64| u64::try_from(number).map_err(|_| wrong("a negative place"));
    let (start, size) = (number(start)?, number(chunk.compressed_size())?);
    let end = start.checked_add(size).ok_or_else(cut_off)?;
    Ok((start, end))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use parquet::{
        basic::Type as PhysicalType,
        file::metadata::{FileMetaData, RowGroupMetaData},
        schema::types::{SchemaDescriptor, Type},
    };

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    /// A footer with the columns of a schema, each claiming so many within it.
    fn footer(children: &[&[u8]]) -> File {
        let mut footer = vec![0x15, 2, 0x19, 0xfc];
        // Their number, in two bytes.
        footer.extend([
            children.len() as u8 & 0x7f | 0x80,
            (children.len() >> 7) as u8,
        ]);
        for children in children {
            // Its name, and how many there are.
            footer.extend([0x48, 1, b'x', 0x15]);
            footer.extend(*children);
            footer.push(0);
        }
        footer.push(0);
        let length = (footer.len() as u32).to_le_bytes();
        file(&[&footer[..], &length, &MAGIC].concat())
    }

    fn problem(result: io::Result<()>) -> String {
        result.map_or_else(|error| error.to_string(), |()| "none".into())
    }

    #[test]
    fn a_schema_may_claim_no_more_columns_than_there_are() {
        assert_eq!(problem(check_footer(&footer(&[&[2], &[0]]))), "none");
        let many = footer(&[&[0xfe, 0xff, 0xff, 0xff, 0x0f], &[0]]);
        let found = problem(check_footer(&many));
        assert!(found.contains("2147483647 columns of 2"), "{found}");
        let chain = |depth: usize| {
            let mut children = vec![&[2][..]; depth];
            children.push(&[0]);
            footer(&children)
        };
        assert_eq!(problem(check_footer(&chain(9))), "none");
        let found = problem(check_footer(&chain(1000)));
        assert!(found.contains("within each other"), "{found}");
    }

    /// The library takes no byte for each of them, and so as much time as the file asks for.
    #[test]
    fn a_footer_has_no_list_of_flags() {
        let flags = [0x15, 2, 0xb9, 0xf1, 0xff, 0x01, 1, 1, 1, 0];
        let length = (flags.len() as u32).to_le_bytes();
        let mut claimed = flags.to_vec();
        claimed.resize(300, 1);
        let length_of_claimed = (claimed.len() as u32).to_le_bytes();
        for (footer, length) in [(&flags[..], length), (&claimed[..], length_of_claimed)] {
            let found = problem(check_footer(&file(&[footer, &length, &MAGIC].concat())));
            assert!(found.contains("a list of"), "{found}");
        }
    }

    #[test]
    fn a_page_may_claim_no_more_than_pages_have() {
        let column = Type::primitive_type_builder("x", PhysicalType::INT32).build();
        let schema = Type::group_type_builder("schema").with_fields(vec![column.unwrap().into()]);
        let schema = SchemaDescriptor::new(schema.build().unwrap().into());
        let schema = std::sync::Arc::new(schema);
        let metadata = |size: i64| {
            let chunk = ColumnChunkMetaData::builder(schema.column(0))
                .set_data_page_offset(0)
                .set_total_compressed_size(size);
            let rows = RowGroupMetaData::builder(std::sync::Arc::clone(&schema))
                .add_column_metadata(chunk.build().unwrap());
            let file = FileMetaData::new(1, 1, None, None, std::sync::Arc::clone(&schema), None);
            ParquetMetaData::new(file, vec![rows.build().unwrap()])
        };
        // A data page of 2 bytes, stored in 2.
        let sound = [0x15, 0, 0x15, 4, 0x15, 4, 0, 7, 7];
        assert_eq!(problem(check_pages(&sound, &metadata(9))), "none");
        assert!(problem(check_pages(&sound, &metadata(10))).contains("than there are"));
        let large = [
            0x15, 0, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x15, 4, 0, 7, 7,
        ];
        let found = problem(check_pages(&large, &metadata(13)));
        assert!(found.contains("a page of 2147483647 bytes"), "{found}");
        // The size as a list, which the library would read as a number.
        let other = [
            0x15, 0, 0x19, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x15, 4, 0, 7, 7,
        ];
        let found = problem(check_pages(&other, &metadata(13)));
        assert!(found.contains("another type"), "{found}");
    }
}
