//! Tensors by name in safetensors files.

use std::{collections::BTreeMap, fs, path::Path};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

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

/// Writes tensors.
///
/// # Errors
/// When the file cannot be written.
pub fn write_tensors(tensors: &Tensors, path: &Path) -> Result<()> {
    let bytes: Vec<Vec<u8>> = tensors
        .values()
        .map(|tensor| tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let failed = |error| Error::io("write", path)(std::io::Error::other(error));
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, tensor), bytes)| {
            TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)
                .map(|view| (name.as_str(), view))
        })
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(failed)?;
    let file = safetensors::serialize(views, None).map_err(failed)?;
    write_atomically(path, false, |out| std::io::Write::write_all(out, &file))
}

/// Reads every tensor of a safetensors file.
///
/// # Errors
/// When the file cannot be read, is not safetensors, or holds a tensor that is
/// not of 32-bit or 64-bit floats.
pub fn read_tensors(path: &Path) -> Result<Tensors> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| {
        Error::content(
            path,
            Place::File,
            "a safetensors file",
            error.to_string(),
            "The file may be truncated or of another format. Save a PyTorch model with \
             safetensors.torch.save_file(model.state_dict(), path)",
        )
    })?;
    file.iter()
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
        .collect()
}
