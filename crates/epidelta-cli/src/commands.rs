//! One file per verb.

pub mod demo;
pub mod evaluate;
pub mod import;
pub mod inspect;
pub mod predict;
pub mod simulate;
pub mod train;

use std::path::{Path, PathBuf};

/// Refuses an output that would replace one of the inputs.
fn keep_inputs<'p>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'p PathBuf>,
) -> anyhow::Result<()> {
    let Ok(output) = output.canonicalize() else {
        return Ok(()); // nothing is there that could be replaced
    };
    for input in inputs {
        if input.canonicalize().is_ok_and(|input| input == output) {
            anyhow::bail!(
                "the output {} is one of the inputs. Choose another output path",
                input.display()
            );
        }
    }
    Ok(())
}
