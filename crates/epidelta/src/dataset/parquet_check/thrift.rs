//! Thrift's compact protocol, as far as Parquet's structures need it.

use std::io::{self, Read};

/// Structures within each other: more than Parquet has.
const DEEPEST: usize = 16;

/// The types of Thrift's compact protocol that are told apart.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// Larger numbers of fields than Parquet has.
const MOST_FIELDS: usize = 1000;

/// What a field holds. The library reads by a field's number, whatever its type; in a file where
/// the two differ it would go on elsewhere than is looked at here.
#[derive(Debug)]
pub(super) enum Shape {
    /// Something that the library skips too.
    Any,
    /// A flag.
    Flag,
    /// A byte.
    Byte,
    /// A whole number.
    Number,
    /// Bytes.
    Text,
    /// Fields, numbered from 1.
    Structure(&'static [Shape]),
    /// Elements of one shape.
    List(&'static Shape),
}

impl Shape {
    /// Whether this is written as a type.
    fn is_of(&self, kind: u8) -> bool {
        match self {
            Shape::Any => true,
            Shape::Flag => matches!(kind, TRUE | FALSE),
            Shape::Byte => kind == BYTE,
            Shape::Number => matches!(kind, I16..=I64),
            Shape::Text => kind == BINARY,
            Shape::Structure(_) => kind == STRUCT,
            Shape::List(_) => kind == LIST,
        }
    }
}

/// Bytes that are read as structures.
pub(super) struct Thrift<R> {
    reader: R,
    /// How many there are.
    pub left: u64,
    depth: usize,
}

impl<R: Read> Thrift<R> {
    pub(super) fn new(reader: R, left: u64) -> Self {
        Thrift {
            reader,
            left,
            depth: 0,
        }
    }

    /// Reads the fields of a structure of this shape. What is done with one, by its number,
    /// tells whether that was read; if not, it is skipped.
    pub(super) fn fields(
        &mut self,
        shape: &'static [Shape],
        read: &mut dyn FnMut(&mut Self, usize) -> io::Result<bool>,
    ) -> io::Result<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(wrong("structures within each other"));
        }
        let mut field = 0;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0f;
            if kind == 0 {
                self.depth -= 1;
                return Ok(());
            }
            field = match head >> 4 {
                0 => self.number()?,
                more => field + i64::from(more),
            };
            let known = usize::try_from(field).ok().filter(|&id| id < MOST_FIELDS);
            let known = known.and_then(|id| Some((id, id.checked_sub(1)?)));
            let (id, place) = known.ok_or_else(|| wrong(format!("a field {field}")))?;
            let of_field = shape.get(place).unwrap_or(&Shape::Any);
            if !of_field.is_of(kind) {
                return Err(wrong(format!("a field {field} of another type")));
            }
            // The value of a flag is its type.
            if !matches!(kind, TRUE | FALSE) && !read(self, id)? {
                self.skip(kind, of_field)?;
            }
        }
    }

    /// Reads a list of structures, each by `read`; returns how many there are.
    pub(super) fn structures(
        &mut self,
        read: &mut dyn FnMut(&mut Self) -> io::Result<()>,
    ) -> io::Result<u64> {
        let (count, kind) = self.list()?;
        if count > 0 && kind != STRUCT {
            return Err(wrong("a list of another type"));
        }
        for _ in 0..count {
            read(self)?;
        }
        Ok(count)
    }

    /// The number of a list's elements, and their type. Each takes a byte at the least.
    fn list(&mut self) -> io::Result<(u64, u8)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.unsigned()?,
            count => count.into(),
        };
        match count > self.left {
            true => Err(wrong(format!("a list of {count}"))),
            false => Ok((count, head & 0x0f)),
        }
    }

    fn skip(&mut self, kind: u8, shape: &'static Shape) -> io::Result<()> {
        match kind {
            // Flags in a list: there are none in a footer or before a page, and the library
            // takes them for nothing, so that any number of them takes it no bytes but time.
            TRUE | FALSE => Err(wrong("a list of flags")),
            BYTE => self.byte().map(drop),
            I16..=I64 => self.unsigned().map(drop),
            DOUBLE => self.bytes(8),
            BINARY => {
                let length = self.unsigned()?;
                self.bytes(length)
            }
            LIST | SET => {
                let (count, kind) = self.list()?;
                let of_element = match shape {
                    Shape::List(of_element) => of_element,
                    _ => &Shape::Any,
                };
                if count > 0 && !of_element.is_of(kind) {
                    return Err(wrong("a list of another type"));
                }
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(wrong("lists within each other"));
                }
                for _ in 0..count {
                    self.skip(kind, of_element)?;
                }
                self.depth -= 1;
                Ok(())
            }
            STRUCT => {
                let fields = match shape {
                    Shape::Structure(fields) => fields,
                    _ => &[][..],
                };
                self.fields(fields, &mut |_, _| Ok(false))
            }
            _ => Err(wrong("a part of an unknown type")),
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.left = self.left.checked_sub(1).ok_or_else(cut_off)?;
        self.reader.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    /// Skips bytes.
    fn bytes(&mut self, count: u64) -> io::Result<()> {
        self.left = self.left.checked_sub(count).ok_or_else(cut_off)?;
        io::copy(&mut self.reader.by_ref().take(count), &mut io::sink()).map(drop)
    }

    fn unsigned(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(wrong("a number that is too long"))
    }

    /// A number, those nearest to zero written shortest.
    fn number(&mut self) -> io::Result<i64> {
        let number = self.unsigned()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A number that is not negative.
    pub(super) fn size(&mut self) -> io::Result<u64> {
        u64::try_from(self.number()?).map_err(|_| wrong("a negative size"))
    }
}

pub(super) fn wrong(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.into())
}

pub(super) fn cut_off() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
