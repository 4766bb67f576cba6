//! `truth.parquet`: what was simulated.

use std::{path::Path, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float64Array, RecordBatch, StringArray,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use parquet::arrow::ArrowWriter;

use super::{MARKS, Simulated, Truth};
use crate::{
    error::{Error, Result},
    output::write_atomically,
};

impl Simulated {
    /// Writes `truth.parquet`: per gene `gene_id`, `state_a`, `state_b`,
    /// `strength_a`, `strength_b`, `expected_log2_fold_change` (A over B, without
    /// noise), `causal_marks` (comma-separated), and per mark a
    /// `FixedSizeList<bool>[bins]`: whether the expected reads of the bin differ
    /// between the cell types by at least one read.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_truth(&self, path: &Path, force: bool) -> Result<()> {
        let batch = self
            .truth_batch()
            .map_err(|e| Error::io("write", path)(std::io::Error::other(e)))?;
        write_atomically(path, force, |file| {
            let mut writer =
                ArrowWriter::try_new(file, batch.schema(), None).map_err(std::io::Error::other)?;
            writer.write(&batch).map_err(std::io::Error::other)?;
            writer.close().map_err(std::io::Error::other)?;
            Ok(())
        })
    }

    fn truth_batch(&self) -> std::result::Result<RecordBatch, ArrowError> {
        let bins = self.a.bins;
        let mark_range = |mark: usize| mark * bins..(mark + 1) * bins;
        let text = |values: Vec<String>| -> ArrayRef { Arc::new(StringArray::from(values)) };
        let number = |of: &dyn Fn(&Truth) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(self.truth.iter().map(of)))
        };
        let states = |cell: usize| {
            let names = self.truth.iter().map(|t| t.state[cell].name().to_owned());
            text(names.collect())
        };
        let causal_marks = |truth: &Truth| {
            let marks = MARKS.iter().enumerate();
            let causal =
                marks.filter(|(m, _)| truth.carries_signal[mark_range(*m)].contains(&true));
            causal.map(|(_, &mark)| mark).collect::<Vec<_>>().join(",")
        };
        let ids = self.a.genes.iter().map(|g| g.gene_id.clone()).collect();
        let mut columns = vec![
            ("gene_id", text(ids)),
            ("state_a", states(0)),
            ("state_b", states(1)),
            ("strength_a", number(&|t| t.strength[0])),
            ("strength_b", number(&|t| t.strength[1])),
            (
                "expected_log2_fold_change",
                number(&|t| t.expected_log2_fold_change),
            ),
            (
                "causal_marks",
                text(self.truth.iter().map(causal_marks).collect()),
            ),
        ];
        let item = Arc::new(Field::new("element", DataType::Boolean, false));
        let length =
            i32::try_from(bins).map_err(|e| ArrowError::InvalidArgumentError(e.to_string()))?;
        for (m, mark) in MARKS.iter().enumerate() {
            let flags = self
                .truth
                .iter()
                .flat_map(|t| &t.carries_signal[mark_range(m)]);
            let flags: BooleanArray = flags.copied().map(Some).collect();
            let list =
                FixedSizeListArray::try_new(Arc::clone(&item), length, Arc::new(flags), None)?;
            columns.push((mark, Arc::new(list)));
        }
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, array)| Field::new(*name, array.data_type().clone(), false))
            .collect();
        RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            columns.into_iter().map(|(_, array)| array).collect(),
        )
    }
}
