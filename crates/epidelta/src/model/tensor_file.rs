//! Tensors by name in safetensors files.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::Write,
    path::Path,
};

use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};

use crate::{
    error::{Error, Place, Result},
    output::write_atomically,
};

/// A tensor on its way to or from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

/// Tensors by name, in the order of the names.
pub type Tensors = BTreeMap<String, NamedTensor>;

/// Text by name beside the tensors of a file.
pub(crate) type Notes = HashMap<String, String>;

/// Writes tensors.
///
/// # Errors
/// When the file cannot be written.
pub fn write_tensors(tensors: &Tensors, path: &Path) -> Result<()> {
    let file = serialize_tensors(tensors, None)
        .map_err(|error| Error::io("write", path)(std::io::Error::other(error)))?;
    write_atomically(path, false, |out| out.write_all(&file))
}

/// The bytes of a safetensors file.
///
/// # Errors
/// When a tensor has another number of values than its shape says.
pub(crate) fn serialize_tensors(
    tensors: &Tensors,
    notes: Option<Notes>,
) -> std::result::Result<Vec<u8>, SafeTensorError> {
    let bytes: Vec<Vec<u8>> = tensors
        .values()
        .map(|tensor| tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, tensor), bytes)| {
            TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)
                .map(|view| (name.as_str(), view))
        })
        .collect::<std::result::Result<Vec<_>, _>>()?;
    safetensors::serialize(views, notes)
}

/// Reads every tensor of a safetensors file.
///
/// # Errors
/// When the file cannot be read, is not safetensors, or holds a tensor that is
/// not of 32-bit or 64-bit floats.
pub fn read_tensors(path: &Path) -> Result<Tensors> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    Ok(parse_tensors(&bytes, path)?.0)
}

/// The tensors of a safetensors file's bytes, and what is noted beside them.
///
/// # Errors
/// As [`read_tensors`].
pub(crate) fn parse_tensors(bytes: &[u8], path: &Path) -> Result<(Tensors, Notes)> {
    let not_tensors = |error: SafeTensorError| {
        Error::content(
            path,
            Place::File,
            "a safetensors file",
            error.to_string(),
            "The file may be truncated or of another format. Save a PyTorch model with \
             safetensors.torch.save_file(model.state_dict(), path)",
        )
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_tensors)?;
    let notes = header.metadata().clone().unwrap_or_default();
    let file = SafeTensors::deserialize(bytes).map_err(not_tensors)?;
    let tensors: Result<Tensors> = file
        .iter()
        .map(|(name, view)| {
            let bytes = view.data();
            let values = match view.dtype() {
                Dtype::F32 => {
                    let (numbers, _) = bytes.as_chunks::<4>();
                    numbers.iter().map(|&b| f32::from_le_bytes(b)).collect()
                }
                Dtype::F64 => {
                    let (numbers, _) = bytes.as_chunks::<8>();
                    let narrow = |&b: &[u8; 8]| f64::from_le_bytes(b) as f32;
                    numbers.iter().map(narrow).collect()
                }
                other => {
                    return Err(Error::content(
                        path,
                        Place::Column(name.into()),
                        "32-bit or 64-bit floats",
                        format!("{other:?}"),
                        "Save the weights as float32",
                    ));
                }
            };
            let tensor = NamedTensor {
                shape: view.shape().to_vec(),
                values,
            };
            Ok((name.to_owned(), tensor))
        })
        .collect();
    Ok((tensors?, notes))
}
