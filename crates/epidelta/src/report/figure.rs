//! A figure with a name, and its files.

use std::{io::Write, path::Path};

use super::drawing::Drawing;
use crate::{error::Result, output::write_atomically};

/// Pixels of a PNG for each unit of the drawing.
const SCALE: f32 = 3.0;

/// A figure that is drawn.
#[derive(Debug)]
pub struct Figure {
    /// Its name, of its files too.
    pub name: String,
    /// What it shows, in a sentence: its text alternative.
    pub description: String,
    /// What is to be known to read it.
    pub caption: String,
    pub(super) drawing: Drawing,
}

impl Figure {
    pub(super) fn new(
        name: &str,
        description: impl Into<String>,
        caption: impl Into<String>,
        drawing: Drawing,
    ) -> Self {
        Figure {
            name: name.into(),
            description: description.into(),
            caption: caption.into(),
            drawing,
        }
    }

    /// The figure as SVG.
    pub fn svg(&self) -> String {
        self.drawing.svg()
    }

    /// Writes `NAME.svg` and `NAME.png` into a folder, replacing what is there.
    ///
    /// # Errors
    /// When a file cannot be drawn or written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = |extension: &str| folder.join(format!("{}.{extension}", self.name));
        let png = self.drawing.png(SCALE)?;
        write_atomically(&path("svg"), true, |out| {
            out.write_all(self.svg().as_bytes())
        })?;
        write_atomically(&path("png"), true, |out| out.write_all(&png))
    }
}
