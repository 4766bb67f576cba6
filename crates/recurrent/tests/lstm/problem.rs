//! A problem's arrays, random ones of any shape, and the crate applied to them.

use recurrent::{Gradients, Level, Shape, Weights};

/// All the arrays of a problem: weights, inputs and the gradients that its results receive.
#[derive(Clone, Debug)]
pub struct Problem<F> {
    pub shape: Shape,
    pub weight_ih: Vec<F>,
    pub weight_hh: Vec<F>,
    pub bias_ih: Vec<F>,
    pub bias_hh: Vec<F>,
    pub context: Vec<F>,
    pub x: Vec<F>,
    pub d_pooled: Vec<F>,
    pub d_attention: Vec<F>,
}

/// Results of the forward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs<F> {
    pub pooled: Vec<F>,
    pub attention: Vec<F>,
}

/// Results of the backward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Derivatives<F> {
    pub weight_ih: Vec<F>,
    pub weight_hh: Vec<F>,
    pub bias: Vec<F>,
    pub context: Vec<F>,
    pub x: Vec<F>,
}

impl<F> Derivatives<F> {
    pub fn named(&self) -> [(&'static str, &Vec<F>); 5] {
        [
            ("weight_ih", &self.weight_ih),
            ("weight_hh", &self.weight_hh),
            ("bias", &self.bias),
            ("context", &self.context),
            ("x", &self.x),
        ]
    }
}

impl Problem<f32> {
    /// Random values of the magnitudes of a network in training.
    pub fn random(shape: Shape, seed: u64) -> Self {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut uniform = |length: usize, scale: f32| -> Vec<f32> {
            let mut next = || {
                // xorshift64*
                state ^= state >> 12;
                state ^= state << 25;
                state ^= state >> 27;
                let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
                scale * (bits as f32 / (1 << 23) as f32 - 1.0)
            };
            (0..length).map(|_| next()).collect()
        };
        let weight = 1.0 / (shape.hidden as f32).sqrt();
        Self {
            shape,
            weight_ih: uniform(shape.weight_ih(), weight),
            weight_hh: uniform(shape.weight_hh(), weight),
            bias_ih: uniform(shape.bias(), weight),
            bias_hh: uniform(shape.bias(), weight),
            context: uniform(shape.context(), 1.0),
            x: uniform(shape.inputs(), 2.0 / (shape.input as f32).sqrt()),
            d_pooled: uniform(shape.pooled(), 1.0),
            d_attention: uniform(shape.attention(), 1.0),
        }
    }

    pub fn widened(&self) -> Problem<f64> {
        let widened = |values: &[f32]| values.iter().map(|&value| value.into()).collect();
        Problem {
            shape: self.shape,
            weight_ih: widened(&self.weight_ih),
            weight_hh: widened(&self.weight_hh),
            bias_ih: widened(&self.bias_ih),
            bias_hh: widened(&self.bias_hh),
            context: widened(&self.context),
            x: widened(&self.x),
            d_pooled: widened(&self.d_pooled),
            d_attention: widened(&self.d_attention),
        }
    }

    pub fn weights(&self) -> Weights<'_> {
        Weights {
            weight_ih: &self.weight_ih,
            weight_hh: &self.weight_hh,
            bias_ih: &self.bias_ih,
            bias_hh: &self.bias_hh,
            context: &self.context,
        }
    }

    /// Inference, in outputs that start as NaN.
    pub fn encode(&self, level: Level) -> Outputs<f32> {
        let mut pooled = vec![f32::NAN; self.shape.pooled()];
        let mut attention = vec![f32::NAN; self.shape.attention()];
        let weights = self.weights();
        level.encode(self.shape, &weights, &self.x, &mut pooled, &mut attention);
        Outputs { pooled, attention }
    }

    /// Forward and backward pass, in outputs that start as NaN.
    pub fn train(&self, level: Level, with_x: bool) -> (Outputs<f32>, Derivatives<f32>) {
        let shape = self.shape;
        let nan = |length| vec![f32::NAN; length];
        let (mut pooled, mut attention) = (nan(shape.pooled()), nan(shape.attention()));
        let weights = self.weights();
        let tape = level.encode_for_training(shape, &weights, &self.x, &mut pooled, &mut attention);
        let mut derivatives = Derivatives {
            weight_ih: nan(shape.weight_ih()),
            weight_hh: nan(shape.weight_hh()),
            bias: nan(shape.bias()),
            context: nan(shape.context()),
            x: nan(if with_x { shape.inputs() } else { 0 }),
        };
        let mut gradients = Gradients {
            weight_ih: &mut derivatives.weight_ih,
            weight_hh: &mut derivatives.weight_hh,
            bias: &mut derivatives.bias,
            context: &mut derivatives.context,
        };
        tape.backward(
            &weights,
            &self.x,
            &self.d_pooled,
            &self.d_attention,
            &mut gradients,
            with_x.then_some(&mut derivatives.x[..]),
        );
        (Outputs { pooled, attention }, derivatives)
    }
}
