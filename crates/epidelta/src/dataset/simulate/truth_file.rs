//! `truth.parquet`: what was simulated.

use std::{path::Path, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float64Array, RecordBatch, StringArray,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use parquet::file::properties::WriterProperties;

use super::{MARKS, Simulated, Truth};
use crate::{
    dataset::{epigenome::Epigenome, sealed_parquet},
    error::{Error, Result},
};

impl Simulated {
    /// Writes `truth.parquet`. Of two cell types, per gene `gene_id`, `state_a`,
    /// `state_b`, `strength_a`, `strength_b`, `expected_log2_fold_change` (A over B,
    /// without noise), `causal_marks` (comma-separated), and per mark a
    /// `FixedSizeList<bool>[bins]`: whether the expected reads of the bin differ
    /// between the cell types by at least one read. Of more, `gene_id` and for each
    /// cell type `state_CELL`, `strength_CELL` and `expected_log2_expression_CELL` (of
    /// expression + 1, without noise).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_truth(&self, path: &Path, force: bool) -> Result<()> {
        let batch = match self.cells.as_slice() {
            [a, _] => self.truth_of_two(a),
            _ => self.truth_of_many(),
        };
        let batch = batch.map_err(|e| Error::io("write", path)(std::io::Error::other(e)))?;
        sealed_parquet::write(&batch, WriterProperties::builder(), path, force)
    }

    fn truth_of_many(&self) -> std::result::Result<RecordBatch, ArrowError> {
        let mut columns = vec![("gene_id".into(), self.ids())];
        for (cell, epigenome) in self.cells.iter().enumerate() {
            let name = &epigenome.metadata.cell_type;
            columns.push((format!("state_{name}"), self.state_names(cell)));
            let strength = self.numbers(&|truth| truth.strength[cell]);
            columns.push((format!("strength_{name}"), strength));
            let expression = self.numbers(&|truth| truth.log2_expression(cell));
            columns.push((format!("expected_log2_expression_{name}"), expression));
        }
        batch(columns)
    }

    fn ids(&self) -> ArrayRef {
        let genes = self.cells.iter().take(1).flat_map(|cell| &cell.genes);
        text(genes.map(|gene| gene.gene_id.clone()).collect())
    }

    fn state_names(&self, cell: usize) -> ArrayRef {
        let names = self.truth.iter().map(|t| t.state[cell].name().to_owned());
        text(names.collect())
    }

    fn numbers(&self, of: &dyn Fn(&Truth) -> f64) -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(self.truth.iter().map(of)))
    }

    fn truth_of_two(&self, a: &Epigenome) -> std::result::Result<RecordBatch, ArrowError> {
        let bins = a.bins;
        let mark_range = |mark: usize| mark * bins..(mark + 1) * bins;
        let carries_signal: Vec<Vec<bool>> = self
            .truth
            .iter()
            .map(|truth| truth.carries_signal(bins, a.metadata.bin_size))
            .collect();
        let causal_marks = |flags: &Vec<bool>| {
            let marks = MARKS.iter().enumerate();
            let causal = marks.filter(|(m, _)| flags[mark_range(*m)].contains(&true));
            causal.map(|(_, &mark)| mark).collect::<Vec<_>>().join(",")
        };
        let mut columns = vec![
            ("gene_id", self.ids()),
            ("state_a", self.state_names(0)),
            ("state_b", self.state_names(1)),
            ("strength_a", self.numbers(&|t| t.strength[0])),
            ("strength_b", self.numbers(&|t| t.strength[1])),
            (
                "expected_log2_fold_change",
                self.numbers(&Truth::expected_log2_fold_change),
            ),
            (
                "causal_marks",
                text(carries_signal.iter().map(causal_marks).collect()),
            ),
        ];
        let item = Arc::new(Field::new("element", DataType::Boolean, false));
        let length =
            i32::try_from(bins).map_err(|e| ArrowError::InvalidArgumentError(e.to_string()))?;
        for (m, mark) in MARKS.iter().enumerate() {
            let flags = carries_signal.iter().flat_map(|t| &t[mark_range(m)]);
            let flags: BooleanArray = flags.copied().map(Some).collect();
            let list =
                FixedSizeListArray::try_new(Arc::clone(&item), length, Arc::new(flags), None)?;
            columns.push((mark, Arc::new(list)));
        }
        batch(
            columns
                .into_iter()
                .map(|(name, of)| (name.to_owned(), of))
                .collect(),
        )
    }
}

fn text(values: Vec<String>) -> ArrayRef {
    Arc::new(StringArray::from(values))
}

fn batch(columns: Vec<(String, ArrayRef)>) -> std::result::Result<RecordBatch, ArrowError> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(name, array.data_type().clone(), false))
        .collect();
    RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns.into_iter().map(|(_, array)| array).collect(),
    )
}
