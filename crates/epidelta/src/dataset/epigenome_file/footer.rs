//! [`Metadata`] in the footer of the file, under `epidelta.*` keys.

use std::path::Path;

use arrow_schema::Metadata as Footer;

use super::REMEDY;
use crate::{
    dataset::epigenome::Metadata,
    error::{Error, Place, Result},
};

const FORMAT: u32 = 1;

pub(super) fn read_metadata(path: &Path, pairs: &Footer) -> Result<Metadata> {
    let get = |key: &str| -> Result<&String> {
        pairs.get(&format!("epidelta.{key}")).ok_or_else(|| {
            Error::content(
                path,
                Place::File,
                format!("the footer key epidelta.{key}"),
                "no such key",
                REMEDY,
            )
        })
    };
    let bad = |key: &str, found: &str| {
        Error::content(
            path,
            Place::File,
            format!("a usable value of the footer key epidelta.{key}"),
            format!("{found:?}"),
            REMEDY,
        )
    };
    let number = |key: &str| -> Result<u32> {
        let text = get(key)?;
        text.parse().map_err(|_| bad(key, text))
    };
    let format = number("format")?;
    if format != FORMAT {
        return Err(Error::content(
            path,
            Place::File,
            format!("format version {FORMAT}"),
            format!("version {format}"),
            "The file was made by a newer epidelta: use that one or a newer one, or make the \
             file again",
        ));
    }
    let orientation = get("orientation")?;
    Ok(Metadata {
        cell_type: get("cell_type")?.clone(),
        bin_size: number("bin_size")?,
        upstream: number("upstream")?,
        downstream: number("downstream")?,
        orientation: orientation
            .parse()
            .map_err(|_| bad("orientation", orientation))?,
        signal_unit: get("signal_unit")?.clone(),
        expression_unit: get("expression_unit")?.clone(),
        library_size: match pairs.get("epidelta.library_size") {
            None => None,
            Some(text) => {
                let size = text.parse().ok();
                let size = size.filter(|size: &f64| size.is_finite() && *size >= 0.0);
                Some(size.ok_or_else(|| bad("library_size", text))?)
            }
        },
        genome: pairs.get("epidelta.genome").cloned(),
        provenance: pairs.get("epidelta.provenance").cloned(),
    })
}

pub(super) fn metadata_pairs(metadata: &Metadata) -> Footer {
    let mut pairs = vec![
        ("format", FORMAT.to_string()),
        ("cell_type", metadata.cell_type.clone()),
        ("bin_size", metadata.bin_size.to_string()),
        ("upstream", metadata.upstream.to_string()),
        ("downstream", metadata.downstream.to_string()),
        ("orientation", metadata.orientation.name().to_owned()),
        ("signal_unit", metadata.signal_unit.clone()),
        ("expression_unit", metadata.expression_unit.clone()),
    ];
    if let Some(library_size) = metadata.library_size {
        pairs.push(("library_size", library_size.to_string()));
    }
    if let Some(genome) = &metadata.genome {
        pairs.push(("genome", genome.clone()));
    }
    if let Some(provenance) = &metadata.provenance {
        pairs.push(("provenance", provenance.clone()));
    }
    pairs
        .into_iter()
        .map(|(key, value)| (format!("epidelta.{key}"), value))
        .collect()
}
