//! Rows of numbers, `[row, column]`, row-major: what the baselines learn from. A row
//! is a gene, a column a feature.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A table of numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

/// What a file claims to be a matrix; it becomes one through [`Matrix::new`].
#[derive(Deserialize)]
struct Parts {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl TryFrom<Parts> for Matrix {
    type Error = Error;

    fn try_from(parts: Parts) -> Result<Self> {
        Matrix::new(parts.rows, parts.columns, parts.values)
    }
}

impl Matrix {
    /// A matrix of the given values, row after row.
    ///
    /// # Errors
    /// When there are not `rows * columns` values.
    pub fn new(rows: usize, columns: usize, values: Vec<f64>) -> Result<Self> {
        if rows.checked_mul(columns) != Some(values.len()) {
            return Err(Error::data(
                format!("{} values for {rows} rows of {columns}", values.len()),
                "A matrix has as many values as rows times columns",
            ));
        }
        Ok(Matrix {
            rows,
            columns,
            values,
        })
    }

    /// A matrix of the given columns, each of so many rows.
    ///
    /// # Errors
    /// When a column is of another length.
    pub fn of_columns(rows: usize, columns: &[Vec<f64>]) -> Result<Self> {
        if let Some(column) = columns.iter().find(|column| column.len() != rows) {
            return Err(Error::data(
                format!("a column of {} values for {rows} rows", column.len()),
                "A column has as many values as there are rows",
            ));
        }
        let row = |row: usize| columns.iter().map(move |column| column[row]);
        Matrix::new(rows, columns.len(), (0..rows).flat_map(row).collect())
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// A row; `row < rows()`.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// The values of a column, from the first row to the last; `column < columns()`.
    pub fn column(&self, column: usize) -> impl Iterator<Item = f64> {
        (0..self.rows).map(move |row| self.values[row * self.columns + column])
    }

    /// The given rows, in the given order.
    pub fn select_rows(&self, rows: &[usize]) -> Matrix {
        Matrix {
            rows: rows.len(),
            columns: self.columns,
            values: rows
                .iter()
                .flat_map(|&row| self.row(row))
                .copied()
                .collect(),
        }
    }

    /// The given columns, in the given order.
    pub fn select_columns(&self, columns: &[usize]) -> Matrix {
        let selected = |row: usize| columns.iter().map(move |&column| self.row(row)[column]);
        Matrix {
            rows: self.rows,
            columns: columns.len(),
            values: (0..self.rows).flat_map(selected).collect(),
        }
    }

    /// All values, column after column.
    pub fn column_major(&self) -> Vec<f64> {
        (0..self.columns)
            .flat_map(|column| self.column(column))
            .collect()
    }

    /// The matrix with every value replaced, given its column.
    pub fn map(&self, value: impl Fn(usize, f64) -> f64) -> Matrix {
        let columns = (0..self.columns).cycle();
        Matrix {
            rows: self.rows,
            columns: self.columns,
            values: columns
                .zip(&self.values)
                .map(|(c, &v)| value(c, v))
                .collect(),
        }
    }

    /// Checks that there is something to learn from: rows and columns, one target
    /// per row, and only finite features.
    ///
    /// # Errors
    /// When one of these fails.
    pub(crate) fn check_trainable(&self, targets: usize) -> Result<()> {
        if self.rows == 0 || self.columns == 0 {
            return Err(Error::data(
                format!(
                    "{} rows of {} features to learn from",
                    self.rows, self.columns
                ),
                "Give at least one row and one feature",
            ));
        }
        if self.rows != targets {
            return Err(Error::data(
                format!("{targets} targets for {} rows", self.rows),
                "Give one target per row",
            ));
        }
        if let Some(value) = self.values.iter().position(|value| !value.is_finite()) {
            return Err(Error::data(
                format!(
                    "feature {} of row {} is not a finite number",
                    value % self.columns + 1,
                    value / self.columns + 1
                ),
                "Give finite features",
            ));
        }
        Ok(())
    }
}

/// Checks that all targets are finite.
///
/// # Errors
/// When one is not.
pub(crate) fn check_targets(targets: &[f64]) -> Result<()> {
    match targets.iter().position(|target| !target.is_finite()) {
        None => Ok(()),
        Some(row) => Err(Error::data(
            format!("the target of row {} is not a finite number", row + 1),
            "Give finite targets",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_rows_and_columns() {
        let matrix = Matrix::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!(matrix.row(1), [4.0, 5.0, 6.0]);
        assert_eq!(matrix.column(1).collect::<Vec<_>>(), [2.0, 5.0]);
        assert_eq!(
            matrix.select_rows(&[1, 1]).values(),
            [4.0, 5.0, 6.0, 4.0, 5.0, 6.0]
        );
        assert_eq!(
            matrix.select_columns(&[2, 0]).values(),
            [3.0, 1.0, 6.0, 4.0]
        );
        assert_eq!(matrix.select_columns(&[]).row(1), [0.0; 0]);
    }

    #[test]
    fn refuses_what_is_no_matrix() {
        assert!(Matrix::new(2, 2, vec![0.0; 3]).is_err());
        assert!(Matrix::new(usize::MAX, 2, vec![]).is_err());
        let json = r#"{"rows": 2, "columns": 2, "values": [1.0]}"#;
        assert!(serde_json::from_str::<Matrix>(json).is_err());
    }
}
