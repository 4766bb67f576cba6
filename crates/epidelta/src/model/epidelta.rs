//! Epidelta: DeepDiff's two levels of attention in a network that is antisymmetric by
//! construction, beside a linear path.
//!
//! One network `g` sees a gene from either cell type's side, as its own signal and the
//! other's, and the prediction is the difference of the two views:
//! ```text
//! log2 fold change = g_A(a, b) - g_B(b, a)
//! g_C(own, other)  = (w + w_C) . h + (s + s_C) . windows(own)
//! h                = gelu(W [E_1; ...; E_M; E_all; level II; windows(own); windows(other)]
//!                         + b + b_C)
//! E_m              = level I: BiLSTM and attention over bins of mark m, own and other
//! E_all            = the same over all marks at once
//! level II         = BiLSTM and attention over E_1, ..., E_M, E_all
//! ```
//! so that swapping A and B negates it exactly. `w_C`, `s_C` and `b_C` are of the cell type
//! `C`, and zero for one that the network was not trained on. `windows(own)` are averages of the
//! signal in windows; with them alone the network is the linear model of the same features. A
//! head on `h` predicts the log2 expression of the cell type seen as its own.
//!
//! The levels are those of Sekhon et al. 2018, section 2.2; encoders shared between the two
//! cell types as in their siamese variants.

mod config;
mod standard;

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Device, Tensor, TensorData, activation},
};
use rand_chacha::ChaCha8Rng;

use super::{
    deepdiff::{Attention, Output},
    dropout::drop_out,
    encoder::{GroupedEncoder, Kernel},
    initialize::Initializer,
    network::DataSize,
    signal::{SignalTensors, steps},
};
use crate::error::Result;

pub use config::EpideltaConfig;
pub use standard::Standard;

/// An Epidelta.
#[derive(Debug, Clone)]
pub struct Epidelta {
    /// What it is made of.
    pub config: EpideltaConfig,
    /// The scales of its inputs and outputs.
    pub standard: Standard,
    /// Its weights.
    pub layers: Layers,
}

/// The weights of an Epidelta.
#[derive(Module, Debug)]
pub struct Layers {
    /// Level I, a group per mark.
    pub marks: GroupedEncoder,
    /// Level I, all marks at once.
    pub all_marks: Option<GroupedEncoder>,
    /// Level II.
    pub level_two: GroupedEncoder,
    /// To the head's hidden units.
    pub hidden: Linear,
    /// From the hidden units to the prediction, `[hidden, 1]`.
    pub output: Param<Tensor<2>>,
    /// From the hidden units to log2 expression.
    pub expression: Linear,
    /// The linear path, `[mark * window, 1]`.
    pub linear: Option<Param<Tensor<2>>>,
    /// The parts of each cell type.
    pub cell_types: Option<CellTypes>,
}

/// What each cell type that trains has of its own; all but the input start at zero.
#[derive(Module, Debug)]
pub struct CellTypes {
    /// What encoders read beside the signal at every step, `[cell type, 1]`. It starts at
    /// numbers that tell the cell types apart.
    pub input: Param<Tensor<2>>,
    /// Added to the hidden units, `[cell type, hidden]`.
    pub hidden: Param<Tensor<2>>,
    /// Added to the weights of the prediction, `[cell type, hidden]`.
    pub output: Param<Tensor<2>>,
    /// Added to the linear path, `[cell type, mark * window]`.
    pub linear: Option<Param<Tensor<2>>>,
}

impl Epidelta {
    /// A network for data of this size, its weights drawn from the seed.
    ///
    /// # Errors
    /// When a setting is out of range or does not fit the bins.
    pub fn new(
        config: &EpideltaConfig,
        size: DataSize,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        config.check()?;
        config.check_bins(size.bins)?;
        let mut init = Initializer::new(seed, 0.0, device);
        let of_fan_in = |init: &mut Initializer<'_>, fan_in: usize| {
            init.set_bound(1.0 / (fan_in as f64).sqrt());
        };
        // Own and other signal of the bins of a step.
        let input = 2 * config.bins_per_step + usize::from(config.cell_types);
        let embedding = 2 * config.hidden_bins;
        let encoders = size.marks + usize::from(config.joint_encoder);
        of_fan_in(&mut init, config.hidden_bins);
        let marks = GroupedEncoder::new(size.marks, input, config.hidden_bins, &mut init);
        let all_marks = config
            .joint_encoder
            .then(|| GroupedEncoder::new(1, input * size.marks, config.hidden_bins, &mut init));
        of_fan_in(&mut init, config.hidden_marks);
        let level_two = GroupedEncoder::new(1, embedding, config.hidden_marks, &mut init);
        let summaries = 2 * size.marks * config.head_windows.min(size.bins);
        let joined = encoders * embedding + 2 * config.hidden_marks + summaries;
        of_fan_in(&mut init, joined);
        let hidden = init.linear(joined, config.hidden_head);
        of_fan_in(&mut init, config.hidden_head);
        let expression = init.linear(config.hidden_head, 1);
        // The prediction starts at no change, in every cell type.
        init.set_bound(0.0);
        let features = size.marks * config.windows.iter().sum::<usize>();
        let cell_types = config.cell_types.then(|| CellTypes {
            input: codes(size.cell_types, device),
            hidden: init.uniform([size.cell_types, config.hidden_head]),
            output: init.uniform([size.cell_types, config.hidden_head]),
            linear: (features > 0).then(|| init.uniform([size.cell_types, features])),
        });
        Ok(Epidelta {
            config: config.clone(),
            standard: Standard::none(size.marks),
            layers: Layers {
                marks,
                all_marks,
                level_two,
                hidden,
                output: init.uniform([config.hidden_head, 1]),
                expression,
                linear: (features > 0).then(|| init.uniform([features, 1])),
                cell_types,
            },
        })
    }

    /// Predicts a batch, with the attention where it is asked for. With a generator dropout
    /// acts, as in training.
    pub fn forward(
        &self,
        signal: &SignalTensors,
        kernel: Kernel,
        attention: bool,
        mut dropout: Option<&mut ChaCha8Rng>,
    ) -> Output {
        let layers = &self.layers;
        let [marks, batch, bins] = signal.a.dims();
        let device = signal.a.device();
        let scales: Vec<f32> = self
            .standard
            .signal
            .iter()
            .map(|scale| 1.0 / scale)
            .collect();
        let scales = Tensor::from_data(TensorData::new(scales, [marks, 1, 1]), &device);
        let a: Tensor<3> = signal.a.clone() * scales.clone();
        let b: Tensor<3> = signal.b.clone() * scales;
        // Every gene is seen twice, as A beside B and as B beside A.
        let own = Tensor::cat(vec![a.clone(), b.clone()], 1); // [mark, view, bin]
        let other = Tensor::cat(vec![b, a], 1);
        let per_step = self.config.bins_per_step;
        let mut x = vec![steps(own.clone(), per_step), steps(other.clone(), per_step)];
        let cell_types = layers.cell_types.as_ref();
        let cell_types = cell_types.map(|own| (own, identities(own, signal, &device)));
        if let Some((own, identities)) = &cell_types {
            let [_, views, time, _] = x[0].dims();
            let codes = identities.clone().matmul(own.input.val());
            x.push(
                codes
                    .reshape([1, views, 1, 1])
                    .expand([marks, views, time, 1]),
            );
        }
        let x = Tensor::cat(x, 3);

        let of_marks = layers.marks.forward(x.clone(), kernel, attention);
        let mut embeddings = vec![of_marks.pooled]; // [encoder, view, 2 hidden] each
        let mut of_all_marks = None;
        if let Some(encoder) = &layers.all_marks {
            let [_, views, time, input] = x.dims();
            let x = x
                .permute([1, 2, 0, 3])
                .reshape([1, views, time, marks * input]);
            let encoded = encoder.forward(x, kernel, attention);
            embeddings.push(encoded.pooled);
            of_all_marks = encoded.attention;
        }
        let embeddings = Tensor::cat(embeddings, 0).swap_dims(0, 1); // [view, encoder, 2 hidden]
        let sequence = embeddings.clone().unsqueeze_dim(0);
        let of_level_two = layers.level_two.forward(sequence, kernel, attention);
        let joined = Tensor::cat(
            vec![embeddings.flatten(1, 2), of_level_two.pooled.squeeze_dim(0)],
            1,
        );
        let mut drop = |x: Tensor<2>, share: f64| match &mut dropout {
            Some(generator) if share > 0.0 => drop_out(x, share, generator),
            _ => x,
        };
        let mut joined = drop(joined, self.config.dropout);
        if self.config.head_windows > 0 {
            let windows = [self.config.head_windows.min(bins)];
            let means = [own.clone(), other].map(|x| window_means(x, &windows));
            joined = Tensor::cat([vec![joined], means.to_vec()].concat(), 1);
        }
        let mut hidden = layers.hidden.forward(joined);
        if let Some((own, identities)) = &cell_types {
            hidden = hidden + identities.clone().matmul(own.hidden.val());
        }
        let hidden = drop(activation::gelu(hidden), self.config.dropout_head);

        let mut view = hidden.clone().matmul(layers.output.val()); // [view, 1]
        if let Some((own, identities)) = &cell_types {
            let weights = identities.clone().matmul(own.output.val());
            view = view + (hidden.clone() * weights).sum_dim(1);
        }
        if let Some(linear) = &layers.linear {
            let features = window_means(own, &self.config.windows); // [view, mark * window]
            view = view + features.clone().matmul(linear.val());
            let of_cells = cell_types.as_ref();
            if let Some((linear, identities)) =
                of_cells.and_then(|(own, identities)| Some((own.linear.as_ref()?, identities)))
            {
                let weights = identities.clone().matmul(linear.val());
                view = view + (features * weights).sum_dim(1);
            }
        }
        let side = |x: &Tensor<2>, side: usize| -> Tensor<1> {
            x.clone().narrow(0, side * batch, batch).squeeze_dim(1)
        };
        let sides = |of: Tensor<3>| [0, 1].map(|side| of.clone().narrow(1, side * batch, batch));
        let [mean, spread] = self.standard.expression;
        let expression = layers.expression.forward(hidden) * spread + mean;
        Output {
            log2_fold_change: (side(&view, 0) - side(&view, 1)) * self.standard.label,
            cells: Some([side(&expression, 0), side(&expression, 1)]),
            embeddings: None,
            attention: Attention {
                bins_cells: of_marks.attention.map(sides),
                bins_all_marks: of_all_marks.map(sides),
                marks_cells: of_level_two.attention.map(|of| {
                    let of: Tensor<2> = of.squeeze_dim(0);
                    [0, 1].map(|side| of.clone().narrow(0, side * batch, batch))
                }),
                ..Attention::default()
            },
        }
    }
}

/// Averages of each mark's bins in windows of equal width, or of widths that differ by one bin,
/// `[view, mark * window]` of `[mark, view, bin]`.
fn window_means(x: Tensor<3>, windows: &[usize]) -> Tensor<2> {
    let [marks, views, bins] = x.dims();
    let columns: usize = windows.iter().sum();
    let mut means = vec![0.0_f32; bins * columns];
    let mut column = 0;
    for &windows in windows {
        for window in 0..windows {
            let (start, end) = (window * bins / windows, (window + 1) * bins / windows);
            for bin in start..end {
                means[bin * columns + column] = 1.0 / (end - start) as f32;
            }
            column += 1;
        }
    }
    let device = x.device();
    let means: Tensor<2> = Tensor::from_data(TensorData::new(means, [bins, columns]), &device);
    let of_marks = x.reshape([marks * views, bins]).matmul(means);
    let of_marks = of_marks.reshape([marks, views, columns]);
    of_marks.swap_dims(0, 1).reshape([views, marks * columns])
}

/// Numbers that tell cell types apart, evenly from 1 to -1, `[cell type, 1]`.
fn codes(cell_types: usize, device: &Device) -> Param<Tensor<2>> {
    let last = cell_types.saturating_sub(1).max(1) as f32;
    let codes: Vec<f32> = (0..cell_types)
        .map(|cell_type| 1.0 - 2.0 * cell_type as f32 / last)
        .collect();
    Param::from_data(TensorData::new(codes, [cell_types, 1]), device)
}

/// Which cell type each view is of, `[view, cell type]` of ones and zeros.
fn identities(own: &CellTypes, signal: &SignalTensors, device: &Device) -> Tensor<2> {
    let [cell_types, _] = own.hidden.val().dims();
    let views = [0, 1].into_iter().flat_map(|side| {
        signal
            .cell_types
            .iter()
            .map(move |cell_types| cell_types[side])
    });
    let mut ones = vec![0.0_f32; 2 * signal.cell_types.len() * cell_types];
    for (view, cell_type) in views.enumerate() {
        if let Some(cell_type) = cell_type {
            ones[view * cell_types + cell_type] = 1.0;
        }
    }
    let shape = [2 * signal.cell_types.len(), cell_types];
    Tensor::from_data(TensorData::new(ones, shape), device)
}
