//! The nodes of a grown tree.
//!
//! The crate that grows trees keeps its nodes to itself but writes them with serde. These
//! structures are what it writes, field by field, so that trees can be taken over and those
//! of saved models read as before. Fields that are not used are kept for that alone.

use serde::{Deserialize, Serialize};

/// A tree: a forest of one, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tree {
    forest: Option<TreesOf>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct TreesOf {
    trees: Option<Vec<Nodes>>,
    num_features: Option<usize>,
    samples: Option<Vec<Vec<bool>>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Nodes {
    nodes: Vec<Node>,
    parameters: Option<Parameters>,
    depth: u16,
    root_mass: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Node {
    output: f64,
    split_feature: usize,
    split_value: Option<f64>,
    split_score: Option<f64>,
    true_child: Option<usize>,
    false_child: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Parameters {
    max_depth: Option<u16>,
    min_samples_leaf: usize,
    min_samples_split: usize,
    seed: Option<u64>,
    splitter: Splitter,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Splitter {
    Random,
    Best,
}

impl Tree {
    /// Takes over a grown tree.
    ///
    /// # Errors
    /// When it is not written as it is here.
    pub(super) fn of(grown: &impl Serialize) -> postcard::Result<Self> {
        let bytes = postcard::to_stdvec(grown)?;
        match postcard::take_from_bytes(&bytes)? {
            (tree, []) => Ok(tree),
            _ => Err(postcard::Error::DeserializeBadEncoding),
        }
    }

    /// Its nodes, the root first; none unless this is one tree.
    fn nodes(&self) -> Option<&[Node]> {
        match self.forest.as_ref()?.trees.as_deref()? {
            [tree] => Some(&tree.nodes),
            _ => None,
        }
    }

    /// Whether this is a tree on so many features: children come after their parents, so
    /// that a prediction comes to its end.
    pub(super) fn is_sound(&self, columns: usize) -> bool {
        let Some(nodes) = self.nodes() else {
            return false;
        };
        let after = |parent: usize, child: usize| child > parent && child < nodes.len();
        !nodes.is_empty()
            && nodes.iter().enumerate().all(|(place, node)| {
                match (node.true_child, node.false_child) {
                    (None, None) => true,
                    (Some(one), Some(other)) => {
                        node.split_feature < columns
                            && node.split_value.is_some()
                            && after(place, one)
                            && after(place, other)
                    }
                    _ => false,
                }
            })
    }

    /// What it predicts for a row, if it is sound.
    pub(super) fn predict(&self, row: &[f64]) -> f64 {
        let nodes = self.nodes().unwrap_or_default();
        let mut at = 0;
        loop {
            let Some(node) = nodes.get(at) else {
                return f64::NAN;
            };
            let (Some(value), Some(below), Some(above)) =
                (node.split_value, node.true_child, node.false_child)
            else {
                return node.output;
            };
            at = match row[node.split_feature] <= value {
                true => below,
                false => above,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(output: f64, children: Option<[usize; 2]>) -> Node {
        Node {
            output,
            split_feature: 1,
            split_value: children.map(|_| 0.5),
            split_score: None,
            true_child: children.map(|[one, _]| one),
            false_child: children.map(|[_, other]| other),
        }
    }

    fn tree(nodes: Vec<Node>) -> Tree {
        Tree {
            forest: Some(TreesOf {
                trees: Some(vec![Nodes {
                    nodes,
                    parameters: None,
                    depth: 2,
                    root_mass: 3.0,
                }]),
                num_features: None,
                samples: None,
            }),
        }
    }

    #[test]
    fn children_come_after_their_parents() {
        let leaf = |output| node(output, None);
        let sound = tree(vec![node(0.0, Some([1, 2])), leaf(1.0), leaf(2.0)]);
        assert!(sound.is_sound(2));
        assert_eq!(sound.predict(&[9.0, 0.5]), 1.0);
        assert_eq!(sound.predict(&[0.0, 0.6]), 2.0);
        assert_eq!(sound.predict(&[0.0, f64::NAN]), 2.0);
        // Too few columns, a circle, a child that is not there, one child, no split, no node,
        // no tree.
        assert!(!sound.is_sound(1));
        let root = |children| vec![node(0.0, Some(children)), leaf(1.0), leaf(2.0)];
        for children in [[0, 1], [1, 0], [1, 3]] {
            assert!(!tree(root(children)).is_sound(2), "{children:?}");
        }
        let mut one = root([1, 2]);
        one[0].false_child = None;
        assert!(!tree(one).is_sound(2));
        let mut unsplit = root([1, 2]);
        unsplit[0].split_value = None;
        assert!(!tree(unsplit).is_sound(2));
        assert!(!tree(Vec::new()).is_sound(2));
        assert!(!Tree { forest: None }.is_sound(2));
    }
    #[test]
    fn a_tree_that_was_taken_over_predicts_as_before() {
        use smartcore::{
            ensemble::random_forest_regressor::{
                RandomForestRegressor, RandomForestRegressorParameters,
            },
            linalg::basic::matrix::DenseMatrix,
        };
        let values: Vec<f64> = (0..120).map(|i| f64::from(i * 37 % 101)).collect();
        let x = DenseMatrix::new(40, 3, values.clone(), false).unwrap();
        let y: Vec<f64> = values.chunks(3).map(|row| row[0] - row[2] / 3.0).collect();
        let parameters = RandomForestRegressorParameters {
            n_trees: 1,
            ..RandomForestRegressorParameters::default()
        };
        let grown = RandomForestRegressor::fit(&x, &y, parameters).unwrap();
        let tree = Tree::of(&grown).unwrap();
        assert!(tree.is_sound(3));
        let own: Vec<f64> = values.chunks(3).map(|row| tree.predict(row)).collect();
        assert_eq!(own, grown.predict(&x).unwrap());
        let bytes = postcard::to_stdvec(&grown).unwrap();
        assert_eq!(postcard::to_stdvec(&tree).unwrap(), bytes);
        // Of another form.
        assert!(Tree::of(&(grown, 1)).is_err());
    }
}
