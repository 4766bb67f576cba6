//! The names of weights in files: those of the published PyTorch code
//! (QData/DeepDiffChrome), so that a DeepDiff trained with either opens in the other.
//!
//! | part | name |
//! |---|---|
//! | level I, raw part | `rnn_hms`; with auxiliary tasks `rnn_hms3`, or `rnn_hmsx` when shared |
//! | level I, cell A (or both when shared), cell B | `rnn_hms`, `rnn_hms2` |
//! | level II, raw part alone | `hm_level_rnn_1` |
//! | level II, all level-I outputs | `hm_level_rnn_3`, or `hm_level_rnn_1x` when shared |
//! | level II, cell A, cell B | `hm_level_rnn_1`, `hm_level_rnn_2` |
//! | heads: fold change | `fdiff1_1`; with auxiliary tasks `predictor_` (after `predictor_1`) |
//! | heads: cell A, cell B | `f1_1`, `f2_1` |
//!
//! A DeepChrome has `convolution`, `linear_1`, `linear_2` and `head`. An Epidelta has the
//! names of its fields, and `standard` for its scales.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use burn::{
    module::Param,
    nn::Linear,
    tensor::{Device, Tensor, TensorData},
};

use super::{
    deep_chrome::DeepChrome,
    deepdiff::DeepDiff,
    encoder::GroupedEncoder,
    epidelta::{CellTypes, Epidelta, Layers},
    network::Network,
    tensor_file::{NamedTensor, Tensors, read_tensors},
    values::values,
};
use crate::error::{Error, Place, Result};

/// The part of a name that tells what each cell type has of its own.
const CELL_TYPES: &str = "cell_types";

const REMEDY: &str = "Give the weights of a model of the same method, marks and sizes";

/// A model whose tensors have names.
pub trait NamedWeights: Sized {
    /// Shows every tensor to a visitor and takes what it makes of it.
    #[must_use]
    fn visited(self, visitor: &mut impl Visitor) -> Self;
}

/// Meets every tensor of a model under its name in the file.
pub trait Visitor {
    /// The values that the tensor is to have.
    fn tensor<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
        values: Vec<f32>,
    ) -> Vec<f32>;
}

/// A model's weights under their names.
pub fn named_tensors(model: &(impl NamedWeights + Clone)) -> Tensors {
    let mut writer = Writer(Tensors::new());
    let _ = model.clone().visited(&mut writer);
    writer.0
}

/// Weights read from a file.
#[derive(Debug, Clone)]
pub struct WeightsFile {
    path: PathBuf,
    tensors: Tensors,
}

impl WeightsFile {
    /// Reads them.
    ///
    /// # Errors
    /// As [`read_tensors`].
    pub fn read(path: &Path) -> Result<Self> {
        Ok(WeightsFile {
            path: path.into(),
            tensors: read_tensors(path)?,
        })
    }

    /// How many numbers there are in all tensors.
    pub fn numbers(&self) -> usize {
        self.tensors
            .values()
            .map(|tensor| tensor.values.len())
            .sum()
    }

    /// The error for a file that is too small for a network of so many weights.
    pub(crate) fn too_small(&self, weights: u128) -> Error {
        Error::content(
            &self.path,
            Place::File,
            format!("the {weights} weights or more of a network as the settings describe it"),
            self.numbers().to_string(),
            REMEDY,
        )
    }

    /// Those whose names begin so, without that.
    #[must_use]
    pub fn part(&self, prefix: &str) -> Self {
        let tensors = self.tensors.iter().filter_map(|(name, tensor)| {
            let name = name.strip_prefix(prefix)?;
            Some((name.to_owned(), tensor.clone()))
        });
        WeightsFile {
            path: self.path.clone(),
            tensors: tensors.collect(),
        }
    }

    /// The weights for a network of other cell types: what cell types have of their own goes
    /// with their names, none of those that did not train, and starts at zero for new ones.
    #[must_use]
    pub fn for_cell_types(mut self, names: &[Option<String>], new: &[String]) -> Self {
        for (name, tensor) in &mut self.tensors {
            let is_table = name.split('.').any(|part| part == CELL_TYPES);
            let [rows, columns] = tensor.shape[..] else {
                continue;
            };
            if !is_table || rows != names.len() {
                continue;
            }
            let mut values = Vec::with_capacity(new.len() * columns);
            for wanted in new {
                match names.iter().position(|name| name.as_ref() == Some(wanted)) {
                    Some(row) => {
                        values.extend_from_slice(&tensor.values[row * columns..][..columns])
                    }
                    None => values.resize(values.len() + columns, 0.0),
                }
            }
            tensor.shape = vec![new.len(), columns];
            tensor.values = values;
        }
        self
    }

    /// Before the names of the weights of an ensemble's member, counted from 0.
    pub fn member_prefix(member: usize) -> String {
        format!("member_{}.", member + 1)
    }

    /// The weights of each member of an ensemble; of a network that is none, its own alone.
    pub fn members(self) -> Vec<Self> {
        let mut of_members: BTreeMap<usize, Tensors> = BTreeMap::new();
        for (name, tensor) in &self.tensors {
            if let Some((member, name)) = Self::member_of(name) {
                let tensors = of_members.entry(member).or_default();
                tensors.insert(name.to_owned(), tensor.clone());
            }
        }
        // Those after a missing one are of no ensemble.
        let members = (0..).map_while(|member| of_members.remove(&member));
        let members: Vec<Self> = members
            .map(|tensors| WeightsFile {
                path: self.path.clone(),
                tensors,
            })
            .collect();
        if members.is_empty() {
            vec![self]
        } else {
            members
        }
    }

    /// The member that a tensor is of, and its name there.
    fn member_of(name: &str) -> Option<(usize, &str)> {
        let (member, _) = name.strip_prefix("member_")?.split_once('.')?;
        let member = member.parse::<usize>().ok()?.checked_sub(1)?;
        let name = name.strip_prefix(&Self::member_prefix(member))?;
        Some((member, name))
    }

    /// The weights that a member of an ensemble is to start from: those of the same member, or
    /// of the only network that there is.
    ///
    /// # Errors
    /// When they are those of an ensemble of fewer members.
    pub fn member(&self, member: usize) -> Result<Self> {
        let mut members = self.clone().members();
        let count = members.len();
        match member < count {
            true => Ok(members.swap_remove(member)),
            false if count == 1 => Ok(members.swap_remove(0)),
            false => Err(Error::content(
                &self.path,
                Place::File,
                format!("the weights of {} networks or more, or of one", member + 1),
                count.to_string(),
                "Set training.ensemble to as many",
            )),
        }
    }

    /// A model with these weights in place of its own.
    ///
    /// # Errors
    /// When they are not exactly the model's: a tensor is missing, left over, of
    /// another shape, or not finite.
    pub fn put_into<M: NamedWeights>(self, model: M) -> Result<M> {
        with_tensors(model, self.tensors).map_err(|mut problems| {
            let count = problems.len();
            problems.truncate(3);
            if count > problems.len() {
                problems.push(format!("and {} more", count - problems.len()));
            }
            Error::content(
                &self.path,
                Place::File,
                "the tensors of this model",
                problems.join("; "),
                REMEDY,
            )
        })
    }
}

/// Replaces a model's weights.
///
/// # Errors
/// A sentence for each tensor that is missing, left over, of another shape, or
/// not finite.
pub fn with_tensors<M: NamedWeights>(
    model: M,
    tensors: Tensors,
) -> std::result::Result<M, Vec<String>> {
    let mut reader = Reader {
        tensors,
        problems: Vec::new(),
    };
    let model = model.visited(&mut reader);
    let left_over = reader.tensors.into_keys();
    let left_over = left_over.map(|name| format!("{name} is not in this model"));
    let problems: Vec<String> = reader.problems.into_iter().chain(left_over).collect();
    if problems.is_empty() {
        Ok(model)
    } else {
        Err(problems)
    }
}

struct Writer(Tensors);

impl Visitor for Writer {
    fn tensor<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
        values: Vec<f32>,
    ) -> Vec<f32> {
        let tensor = NamedTensor {
            shape: shape.to_vec(),
            values: values.clone(),
        };
        self.0.insert(name.to_owned(), tensor);
        values
    }
}

struct Reader {
    tensors: Tensors,
    problems: Vec<String>,
}

impl Visitor for Reader {
    fn tensor<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
        values: Vec<f32>,
    ) -> Vec<f32> {
        match self.tensors.remove(name) {
            None => self.problems.push(format!("{name} is missing")),
            Some(found) if found.shape != shape => self
                .problems
                .push(format!("{name} has shape {:?}, not {shape:?}", found.shape)),
            Some(found) if found.values.iter().any(|v| !v.is_finite()) => {
                self.problems.push(format!("{name} holds NaN or infinity"));
            }
            Some(found) => return found.values,
        }
        values
    }
}

impl NamedWeights for Network {
    fn visited(self, visitor: &mut impl Visitor) -> Self {
        match self {
            Network::DeepDiff(config, model) => Network::DeepDiff(config, model.visited(visitor)),
            Network::DeepChrome(config, model) => {
                Network::DeepChrome(config, model.visited(visitor))
            }
            Network::Epidelta(model) => Network::Epidelta(model.visited(visitor)),
        }
    }
}

impl NamedWeights for DeepChrome {
    fn visited(mut self, visitor: &mut impl Visitor) -> Self {
        let device = self.head.weight.val().device();
        self.convolution = visit_param(self.convolution, &device, visitor, "convolution.weight");
        self.convolution_bias =
            visit_param(self.convolution_bias, &device, visitor, "convolution.bias");
        self.linear_1 = visit_linear(self.linear_1, &device, visitor, "linear_1");
        self.linear_2 = visit_linear(self.linear_2, &device, visitor, "linear_2");
        self.head = visit_linear(self.head, &device, visitor, "head");
        self
    }
}

impl NamedWeights for Epidelta {
    fn visited(mut self, visitor: &mut impl Visitor) -> Self {
        let layers = self.layers;
        let device = layers.output.val().device();
        let standard = &mut self.standard;
        let marks = standard.signal.len();
        standard.signal = visitor.tensor("standard.signal", [marks], standard.signal.clone());
        standard.label = visitor.tensor("standard.label", [1], vec![standard.label])[0];
        let expression = standard.expression.to_vec();
        let seen = visitor.tensor("standard.expression", [2], expression);
        standard.expression = [seen[0], seen[1]];
        let mut encoder = |encoder: GroupedEncoder, name: &dyn Fn(usize) -> String| {
            visit_encoder(encoder, &device, visitor, name)
        };
        let marks = encoder(layers.marks, &|mark| format!("marks.{mark}"));
        let all_marks = layers
            .all_marks
            .map(|all| encoder(all, &|_| "all_marks".into()));
        let level_two = encoder(layers.level_two, &|_| "level_two".into());
        let cell_types = layers.cell_types.map(|own| CellTypes {
            input: visit_param(own.input, &device, visitor, "cell_types.input"),
            hidden: visit_param(own.hidden, &device, visitor, "cell_types.hidden"),
            output: visit_param(own.output, &device, visitor, "cell_types.output"),
            linear: own
                .linear
                .map(|linear| visit_param(linear, &device, visitor, "cell_types.linear")),
        });
        self.layers = Layers {
            marks,
            all_marks,
            level_two,
            hidden: visit_linear(layers.hidden, &device, visitor, "hidden"),
            output: visit_param(layers.output, &device, visitor, "output"),
            expression: visit_linear(layers.expression, &device, visitor, "expression"),
            linear: layers
                .linear
                .map(|linear| visit_param(linear, &device, visitor, "linear")),
            cell_types,
        };
        self
    }
}

impl NamedWeights for DeepDiff {
    fn visited(self, visitor: &mut impl Visitor) -> Self {
        visit(self, visitor)
    }
}

fn visit(mut model: DeepDiff, visitor: &mut impl Visitor) -> DeepDiff {
    let shared = model.cell_b.is_none();
    let auxiliary = model.cell_a.is_some();
    let (raw, joint, head) = match (auxiliary, shared) {
        (false, _) => ("rnn_hms", "hm_level_rnn_1", "fdiff1_1"),
        (true, false) => ("rnn_hms3", "hm_level_rnn_3", "predictor_"),
        (true, true) => ("rnn_hmsx", "hm_level_rnn_1x", "predictor_"),
    };
    let device = model.head.weight.val().device();
    let many = |encoder: Option<GroupedEncoder>, prefix: &str, visitor: &mut _| {
        encoder.map(|encoder| visit_encoder(encoder, &device, visitor, |g| format!("{prefix}.{g}")))
    };
    model.raw = many(model.raw, raw, visitor);
    model.cell_a = many(model.cell_a, "rnn_hms", visitor);
    model.cell_b = many(model.cell_b, "rnn_hms2", visitor);
    let one = |encoder: Option<GroupedEncoder>, name: &str, visitor: &mut _| {
        encoder.map(|encoder| visit_encoder(encoder, &device, visitor, |_| name.to_owned()))
    };
    model.marks_joint = one(model.marks_joint, joint, visitor);
    model.marks_a = one(model.marks_a, "hm_level_rnn_1", visitor);
    model.marks_b = one(model.marks_b, "hm_level_rnn_2", visitor);
    let mut linear = |layer: Option<Linear>, name: &str| {
        layer.map(|layer| visit_linear(layer, &device, visitor, name))
    };
    model.head_hidden = linear(model.head_hidden, "predictor_1");
    model.head_a = linear(model.head_a, "f1_1");
    model.head_b = linear(model.head_b, "f2_1");
    model.head = visit_linear(model.head, &device, visitor, head);
    model
}

/// A group of encoders is one encoder per group in the file, each direction's
/// tensors apart.
fn visit_encoder(
    encoder: GroupedEncoder,
    device: &Device,
    visitor: &mut impl Visitor,
    name: impl Fn(usize) -> String,
) -> GroupedEncoder {
    let [groups, _, rows, input] = encoder.weight_ih.val().dims();
    let hidden = rows / 4;
    let mut weight_ih = values(encoder.weight_ih.val());
    let mut weight_hh = values(encoder.weight_hh.val());
    let mut bias_ih = values(encoder.bias_ih.val());
    let mut bias_hh = values(encoder.bias_hh.val());
    let mut context = values(encoder.context.val());
    for group in 0..groups {
        let prefix = name(group);
        for (direction, suffix) in ["", "_reverse"].into_iter().enumerate() {
            let at = 2 * group + direction;
            let mut matrix = |name: &str, all: &mut [f32], columns: usize| {
                let part = &mut all[at * rows * columns..][..rows * columns];
                let name = format!("{prefix}.rnn.{name}_l0{suffix}");
                let seen = visitor.tensor(&name, [rows, columns], part.to_vec());
                part.copy_from_slice(&seen);
            };
            matrix("weight_ih", &mut weight_ih, input);
            matrix("weight_hh", &mut weight_hh, hidden);
            let mut vector = |name: &str, all: &mut [f32]| {
                let part = &mut all[at * rows..][..rows];
                let name = format!("{prefix}.rnn.{name}_l0{suffix}");
                let seen = visitor.tensor(&name, [rows], part.to_vec());
                part.copy_from_slice(&seen);
            };
            vector("bias_ih", &mut bias_ih);
            vector("bias_hh", &mut bias_hh);
        }
        let part = &mut context[group * 2 * hidden..][..2 * hidden];
        let name = format!("{prefix}.bin_attention.bin_context_vector");
        let seen = visitor.tensor(&name, [2 * hidden, 1], part.to_vec());
        part.copy_from_slice(&seen);
    }
    GroupedEncoder {
        weight_ih: replaced(encoder.weight_ih, weight_ih, device),
        weight_hh: replaced(encoder.weight_hh, weight_hh, device),
        bias_ih: replaced(encoder.bias_ih, bias_ih, device),
        bias_hh: replaced(encoder.bias_hh, bias_hh, device),
        context: replaced(encoder.context, context, device),
    }
}

/// PyTorch keeps a linear layer's weight as `[output, input]`, burn as
/// `[input, output]`.
fn visit_linear(
    mut linear: Linear,
    device: &Device,
    visitor: &mut impl Visitor,
    name: &str,
) -> Linear {
    let [inputs, outputs] = linear.weight.val().dims();
    let transposed = |values: &[f32], rows: usize, columns: usize| -> Vec<f32> {
        (0..columns * rows)
            .map(|i| values[(i % rows) * columns + i / rows])
            .collect()
    };
    let weight = transposed(&values(linear.weight.val()), inputs, outputs);
    let seen = visitor.tensor(&format!("{name}.weight"), [outputs, inputs], weight);
    linear.weight = replaced(linear.weight, transposed(&seen, outputs, inputs), device);
    linear.bias = linear
        .bias
        .map(|bias| visit_param(bias, device, visitor, &format!("{name}.bias")));
    linear
}

fn visit_param<const D: usize>(
    parameter: Param<Tensor<D>>,
    device: &Device,
    visitor: &mut impl Visitor,
    name: &str,
) -> Param<Tensor<D>> {
    let tensor = parameter.val();
    let seen = visitor.tensor(name, tensor.dims(), values(tensor));
    replaced(parameter, seen, device)
}

fn replaced<const D: usize>(
    parameter: Param<Tensor<D>>,
    values: Vec<f32>,
    device: &Device,
) -> Param<Tensor<D>> {
    let shape = parameter.val().dims();
    let tensor = Tensor::from_data(TensorData::new(values, shape), device);
    parameter.map(|_| match device.is_autodiff() {
        true => tensor.require_grad(),
        false => tensor,
    })
}
