//! DeepDiff: level I over bins, level II over marks, heads.

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Device, Tensor, activation},
};
use rand_chacha::ChaCha8Rng;

use super::{
    config::DeepDiffConfig,
    dropout::drop_out,
    encoder::{Encoded, GroupedEncoder, Kernel},
    initialize::{Initializer, with_bias},
    signal::{SignalTensors, steps},
};
use crate::error::Result;

/// A DeepDiff of any variant.
#[derive(Module, Debug)]
pub struct DeepDiff {
    /// Level I of the raw part, one group per channel and mark, channel-major.
    pub raw: Option<GroupedEncoder>,
    /// Level I of the auxiliary part for cell type A, or for both when shared.
    pub cell_a: Option<GroupedEncoder>,
    /// Level I of the auxiliary part for cell type B, unless shared.
    pub cell_b: Option<GroupedEncoder>,
    /// Level II over all level-I outputs; absent when there is no raw part.
    pub marks_joint: Option<GroupedEncoder>,
    /// Level II over the marks of cell type A.
    pub marks_a: Option<GroupedEncoder>,
    /// Level II over the marks of cell type B.
    pub marks_b: Option<GroupedEncoder>,
    /// Joins the two cell-specific parts when there is no raw part.
    pub head_hidden: Option<Linear>,
    /// The log2 fold change.
    pub head: Linear,
    /// The expression of cell type A.
    pub head_a: Option<Linear>,
    /// The expression of cell type B.
    pub head_b: Option<Linear>,
}

/// Attention at both levels over what the recurrence steps through (a bin, or as many as the
/// configuration says), each entry summing to 1 over its last dimension.
/// What the model has not, or was not asked for, is absent.
#[derive(Debug, Clone, Default)]
pub struct Attention {
    /// Over bins, raw part, `[channel * mark, batch, step]`.
    pub bins_raw: Option<Tensor<3>>,
    /// Over bins, cell types A and B, `[mark, batch, step]` each.
    pub bins_cells: Option<[Tensor<3>; 2]>,
    /// Over bins, of the encoder that reads all marks at once, from the side of A and of B,
    /// `[1, batch, step]` each.
    pub bins_all_marks: Option<[Tensor<3>; 2]>,
    /// Over marks of all level-I outputs (raw part's, then A's, then B's),
    /// `[batch, encoder]`.
    pub marks_joint: Option<Tensor<2>>,
    /// Over marks, cell types A and B, `[batch, mark]` each.
    pub marks_cells: Option<[Tensor<2>; 2]>,
}

/// What a DeepDiff makes of a batch.
#[derive(Debug, Clone)]
pub struct Output {
    /// Predicted log2 fold change, or the logit of going up, `[batch]`.
    pub log2_fold_change: Tensor<1>,
    /// Cell-specific predictions for A and B, `[batch]` each: log2 expression,
    /// or the logit of being above the median.
    pub cells: Option<[Tensor<1>; 2]>,
    /// Level-I embeddings of A and B, mark-major, `[batch, mark * 2 hidden]`.
    pub embeddings: Option<[Tensor<2>; 2]>,
    /// Attention at both levels.
    pub attention: Attention,
}

impl Output {
    /// Of a network that makes nothing else.
    pub(super) fn of_label(log2_fold_change: Tensor<1>) -> Self {
        Output {
            log2_fold_change,
            cells: None,
            embeddings: None,
            attention: Attention::default(),
        }
    }
}

/// How a forward pass is made.
#[derive(Debug, Default)]
struct Pass<'r> {
    kernel: Kernel,
    attention: bool,
    dropout: Option<(f64, &'r mut ChaCha8Rng)>,
}

impl DeepDiff {
    /// A model for data of `marks` marks, its weights drawn from the seed.
    ///
    /// # Errors
    /// When the configuration's parts do not fit together.
    pub fn new(config: &DeepDiffConfig, marks: usize, seed: u64, device: &Device) -> Result<Self> {
        config.check()?;
        let mut init = Initializer::new(seed, config.initial_bound, device);
        let (bins_out, marks_out) = (2 * config.hidden_bins, 2 * config.hidden_marks);
        let has_raw = !config.channels.is_empty();
        let has_auxiliary = config.has_auxiliary();

        let mut level_one = |groups: usize, wanted: bool| {
            wanted.then(|| {
                GroupedEncoder::new(groups, config.bins_per_step, config.hidden_bins, &mut init)
            })
        };
        let raw = level_one(config.channels.len() * marks, has_raw);
        let cell_a = level_one(marks, has_auxiliary);
        let cell_b = level_one(marks, has_auxiliary && !config.shared_encoders);
        let mut level_two = |wanted: bool| {
            wanted.then(|| GroupedEncoder::new(1, bins_out, config.hidden_marks, &mut init))
        };
        let marks_joint = level_two(has_raw);
        let marks_a = level_two(has_auxiliary);
        let marks_b = level_two(has_auxiliary);
        Ok(DeepDiff {
            raw,
            cell_a,
            cell_b,
            marks_joint,
            marks_a,
            marks_b,
            head_hidden: (!has_raw).then(|| init.linear(2 * marks_out, config.hidden_head)),
            head: init.linear(
                if has_raw {
                    marks_out
                } else {
                    config.hidden_head
                },
                1,
            ),
            head_a: has_auxiliary.then(|| init.linear(marks_out, 1)),
            head_b: has_auxiliary.then(|| init.linear(marks_out, 1)),
        })
    }

    /// Predicts a batch, with the attention.
    pub fn forward(
        &self,
        config: &DeepDiffConfig,
        signal: SignalTensors,
        kernel: Kernel,
    ) -> Output {
        let pass = Pass {
            kernel,
            attention: true,
            dropout: None,
        };
        self.run(config, signal, pass)
    }

    /// Predicts a batch, without the attention.
    pub fn predict(&self, config: &DeepDiffConfig, signal: SignalTensors) -> Output {
        self.run(config, signal, Pass::default())
    }

    /// Predicts a batch in training, without the attention: dropout acts, its
    /// masks drawn from `generator`.
    pub fn forward_training(
        &self,
        config: &DeepDiffConfig,
        signal: SignalTensors,
        generator: &mut ChaCha8Rng,
    ) -> Output {
        let pass = Pass {
            dropout: (config.dropout > 0.0).then_some((config.dropout, generator)),
            ..Pass::default()
        };
        self.run(config, signal, pass)
    }

    fn run(&self, config: &DeepDiffConfig, signal: SignalTensors, mut pass: Pass<'_>) -> Output {
        let mut attention = Attention::default();
        let mut level_one_outputs = Vec::new(); // [encoder, batch, 2 hidden] each

        if let Some(encoder) = &self.raw {
            let channels = signal.channels(&config.channels);
            let encoded = pass.encode(encoder, steps(channels, config.bins_per_step));
            level_one_outputs.push(pass.drop_out(encoded.pooled));
            attention.bins_raw = encoded.attention;
        }

        let cells = self.encode_cells(config, &signal, &pass).map(|[a, b]| {
            attention.bins_cells = a.attention.zip(b.attention).map(Into::into);
            [a.pooled, b.pooled]
        });
        // The contrastive loss compares what was encoded: two masks would set
        // equal cells apart.
        let embeddings = cells.clone().map(|cells| cells.map(by_gene));
        let cells = cells.map(|cells| cells.map(|cell| pass.drop_out(cell)));
        let representations = match (&self.marks_a, &self.marks_b, &cells) {
            (Some(marks_a), Some(marks_b), Some([a, b])) => {
                let (a, beta_a) = pass.level_two(marks_a, a.clone());
                let (b, beta_b) = pass.level_two(marks_b, b.clone());
                attention.marks_cells = beta_a.zip(beta_b).map(Into::into);
                Some([a, b])
            }
            _ => None,
        };

        let joint = match (&self.marks_joint, &representations) {
            (Some(marks), _) => {
                level_one_outputs.extend(cells.into_iter().flatten());
                let (joint, beta) = pass.level_two(marks, Tensor::cat(level_one_outputs, 0));
                attention.marks_joint = beta;
                joint
            }
            (None, Some([a, b])) => Tensor::cat(vec![a.clone(), b.clone()], 1),
            // `new` builds a raw part or an auxiliary part, or both.
            (None, None) => unreachable!("a DeepDiff without any part"),
        };
        let joint = match &self.head_hidden {
            Some(hidden) => activation::relu(hidden.forward(joint)),
            None => joint,
        };
        Output {
            log2_fold_change: apply_head(&self.head, joint),
            cells: match (&self.head_a, &self.head_b, representations) {
                (Some(head_a), Some(head_b), Some([a, b])) => {
                    Some([apply_head(head_a, a), apply_head(head_b, b)])
                }
                _ => None,
            },
            embeddings,
            attention,
        }
    }

    /// Level I of the auxiliary part for A and B.
    fn encode_cells(
        &self,
        config: &DeepDiffConfig,
        signal: &SignalTensors,
        pass: &Pass<'_>,
    ) -> Option<[Encoded; 2]> {
        let cell_a = self.cell_a.as_ref()?;
        let [a, b] = [&signal.a, &signal.b].map(|x| steps(x.clone(), config.bins_per_step));
        if let Some(cell_b) = &self.cell_b {
            return Some([pass.encode(cell_a, a), pass.encode(cell_b, b)]);
        }
        // Shared weights: both cell types are one batch of twice the size.
        let batch = a.dims()[1];
        let both = pass.encode(cell_a, Tensor::cat(vec![a, b], 1));
        Some([0, batch].map(|start| {
            let part = |of_both: &Tensor<3>| of_both.clone().narrow(1, start, batch);
            Encoded {
                pooled: part(&both.pooled),
                attention: both.attention.as_ref().map(part),
            }
        }))
    }

    /// Starts the heads' biases at the targets' means, so that training need not
    /// spend its first epochs on finding the level.
    #[must_use]
    pub fn with_head_biases(mut self, fold_change: f64, cells: Option<[f64; 2]>) -> Self {
        self.head = with_bias(self.head, fold_change);
        if let Some([a, b]) = cells {
            self.head_a = self.head_a.map(|head| with_bias(head, a));
            self.head_b = self.head_b.map(|head| with_bias(head, b));
        }
        self
    }
}

impl Pass<'_> {
    fn encode(&self, encoder: &GroupedEncoder, x: Tensor<4>) -> Encoded {
        encoder.forward(x, self.kernel, self.attention)
    }

    /// Level II: `[encoder, batch, features]` to `[batch, 2 hidden]` and the
    /// attention `[batch, encoder]`.
    fn level_two(
        &mut self,
        encoder: &GroupedEncoder,
        x: Tensor<3>,
    ) -> (Tensor<2>, Option<Tensor<2>>) {
        let sequence = x.swap_dims(0, 1).unsqueeze_dim(0); // [1, batch, encoder, features]
        let encoded = self.encode(encoder, sequence);
        let pooled = self.drop_out(encoded.pooled);
        let attention = encoded.attention.map(|attention| attention.squeeze_dim(0));
        (pooled.squeeze_dim(0), attention)
    }

    fn drop_out(&mut self, x: Tensor<3>) -> Tensor<3> {
        match &mut self.dropout {
            Some((share, generator)) => drop_out(x, *share, generator),
            None => x,
        }
    }
}

/// `[mark, batch, features]` to `[batch, mark * features]`.
fn by_gene(x: Tensor<3>) -> Tensor<2> {
    let [marks, batch, features] = x.dims();
    x.swap_dims(0, 1).reshape([batch, marks * features])
}

fn apply_head(head: &Linear, x: Tensor<2>) -> Tensor<1> {
    head.forward(x).squeeze_dim(1)
}
