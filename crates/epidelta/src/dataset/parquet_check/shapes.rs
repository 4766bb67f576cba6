//! The structures of `parquet.thrift` that are looked into.

use super::thrift::Shape::{self, Any, Byte, Flag, List, Number, Structure, Text};

/// `FileMetaData`.
pub(super) const FILE: &[Shape] = &[
    Number,
    List(&Structure(COLUMN)),
    Number,
    List(&Structure(&[])),
    List(&Structure(&[Text, Text])),
    Text,
    List(&Structure(&[EMPTY, EMPTY])),
];

/// `SchemaElement`, of which the fifth field tells how many others are in it.
pub(super) const COLUMN: &[Shape] = &[
    Number,
    Number,
    Number,
    Text,
    Number,
    Number,
    Number,
    Number,
    Number,
    Structure(LOGICAL_TYPE),
];
pub(super) const CHILDREN: usize = 5;
/// The list of these in the file's structure.
pub(super) const COLUMNS: usize = 2;

const EMPTY: Shape = Structure(&[]);
const TIME: Shape = Structure(&[Flag, Structure(&[EMPTY, EMPTY, EMPTY])]);
const LOGICAL_TYPE: &[Shape] = &[
    EMPTY,
    EMPTY,
    EMPTY,
    EMPTY,
    Structure(&[Number, Number]),
    EMPTY,
    TIME,
    TIME,
    Any,
    Structure(&[Byte, Flag]),
    EMPTY,
    EMPTY,
    EMPTY,
    EMPTY,
    EMPTY,
    Structure(&[Byte]),
    Structure(&[Text]),
    Structure(&[Text, Number]),
];

/// `PageHeader`: among others the size of a page when decompressed, and as it is stored.
pub(super) const PAGE: &[Shape] = &[
    Number,
    Number,
    Number,
    Number,
    Structure(&[Number, Number, Number, Number, STATISTICS]),
    EMPTY,
    Structure(&[Number, Number, Flag]),
    Structure(&[
        Number, Number, Number, Number, Number, Number, Flag, STATISTICS,
    ]),
];
pub(super) const PAGE_SIZE: usize = 2;
pub(super) const PAGE_STORED: usize = 3;

const STATISTICS: Shape = Structure(&[Text, Text, Number, Number, Text, Text, Flag, Flag, Number]);
