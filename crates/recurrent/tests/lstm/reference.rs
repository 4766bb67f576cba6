//! An independent reference in double precision with plain loops.

// Indices as in the equations.
#![allow(clippy::needless_range_loop, reason = "indices as in the equations")]

use recurrent::Shape;

use crate::problem::{Derivatives, Outputs, Problem};

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// What the reference keeps of one direction: `[time][unit]` each.
struct Trace {
    /// Activated gates in PyTorch's order.
    gates: Vec<[Vec<f64>; 4]>,
    cell: Vec<Vec<f64>>,
    hidden: Vec<Vec<f64>>,
}

impl Problem<f64> {
    /// Index of the first gate row of a direction of a group.
    fn first_row(&self, group: usize, direction: usize) -> usize {
        (group * 2 + direction) * 4 * self.shape.hidden
    }

    fn input(&self, group: usize, sample: usize, time: usize) -> &[f64] {
        let Shape {
            batch,
            time: steps,
            input,
            ..
        } = self.shape;
        &self.x[((group * batch + sample) * steps + time) * input..][..input]
    }

    /// The time steps in the order in which a direction visits them.
    fn order(&self, direction: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.shape.time).collect();
        if direction == 1 {
            order.reverse();
        }
        order
    }

    fn direction(&self, group: usize, sample: usize, direction: usize) -> Trace {
        let Shape {
            time,
            input,
            hidden,
            ..
        } = self.shape;
        let first = self.first_row(group, direction);
        let mut trace = Trace {
            gates: vec![Default::default(); time],
            cell: vec![Vec::new(); time],
            hidden: vec![Vec::new(); time],
        };
        let (mut h, mut c) = (vec![0.0; hidden], vec![0.0; hidden]);
        for t in self.order(direction) {
            let x = self.input(group, sample, t);
            let z: Vec<f64> = (first..first + 4 * hidden)
                .map(|row| {
                    let mut sum = self.bias_ih[row] + self.bias_hh[row];
                    for k in 0..input {
                        sum += self.weight_ih[row * input + k] * x[k];
                    }
                    for k in 0..hidden {
                        sum += self.weight_hh[row * hidden + k] * h[k];
                    }
                    sum
                })
                .collect();
            let gate = |index: usize, function: fn(f64) -> f64| -> Vec<f64> {
                let z = &z[index * hidden..(index + 1) * hidden];
                z.iter().map(|&z| function(z)).collect()
            };
            let gates = [
                gate(0, sigmoid),
                gate(1, sigmoid),
                gate(2, f64::tanh),
                gate(3, sigmoid),
            ];
            for u in 0..hidden {
                c[u] = gates[1][u] * c[u] + gates[0][u] * gates[2][u];
                h[u] = gates[3][u] * c[u].tanh();
            }
            trace.gates[t] = gates;
            trace.cell[t] = c.clone();
            trace.hidden[t] = h.clone();
        }
        trace
    }

    pub fn encode(&self) -> Outputs<f64> {
        let Shape {
            groups,
            batch,
            time,
            hidden,
            ..
        } = self.shape;
        let (mut all_pooled, mut all_attention) = (Vec::new(), Vec::new());
        for group in 0..groups {
            let context = &self.context[group * 2 * hidden..];
            for sample in 0..batch {
                let traces = [0, 1].map(|direction| self.direction(group, sample, direction));
                let state = |t: usize| [&traces[0].hidden[t][..], &traces[1].hidden[t]].concat();
                let mut attention: Vec<f64> = (0..time)
                    .map(|t| {
                        state(t)
                            .iter()
                            .zip(context)
                            .map(|(h, c)| h * c)
                            .sum::<f64>()
                            .exp()
                    })
                    .collect();
                let sum: f64 = attention.iter().sum();
                attention.iter_mut().for_each(|weight| *weight /= sum);
                let mut pooled = vec![0.0; 2 * hidden];
                for t in 0..time {
                    for (pooled, h) in pooled.iter_mut().zip(state(t)) {
                        *pooled += attention[t] * h;
                    }
                }
                all_pooled.extend(pooled);
                all_attention.extend(attention);
            }
        }
        Outputs {
            pooled: all_pooled,
            attention: all_attention,
        }
    }

    /// The scalar whose gradient [`Problem::backward`] computes.
    pub fn objective(&self) -> f64 {
        let outputs = self.encode();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        dot(&outputs.pooled, &self.d_pooled) + dot(&outputs.attention, &self.d_attention)
    }

    pub fn backward(&self) -> Derivatives<f64> {
        let Shape {
            groups,
            batch,
            time,
            hidden,
            ..
        } = self.shape;
        let attention = self.encode().attention;
        let mut d = Derivatives {
            weight_ih: vec![0.0; self.weight_ih.len()],
            weight_hh: vec![0.0; self.weight_hh.len()],
            bias: vec![0.0; self.bias_ih.len()],
            context: vec![0.0; self.context.len()],
            x: vec![0.0; self.x.len()],
        };
        for group in 0..groups {
            for sample in 0..batch {
                let row = group * batch + sample;
                let attention = &attention[row * time..(row + 1) * time];
                let d_pooled = &self.d_pooled[row * 2 * hidden..(row + 1) * 2 * hidden];
                let context = group * 2 * hidden;
                let traces = [0, 1].map(|direction| self.direction(group, sample, direction));
                // With respect to the attention weights, then through the softmax to the scores.
                let d_attention: Vec<f64> = (0..time)
                    .map(|t| {
                        let mut sum = self.d_attention[row * time + t];
                        for u in 0..2 * hidden {
                            sum += d_pooled[u] * traces[u / hidden].hidden[t][u % hidden];
                        }
                        sum
                    })
                    .collect();
                let mean: f64 = attention.iter().zip(&d_attention).map(|(a, d)| a * d).sum();
                let mut d_states = vec![vec![0.0; 2 * hidden]; time];
                for t in 0..time {
                    let d_score = attention[t] * (d_attention[t] - mean);
                    for u in 0..2 * hidden {
                        let state = traces[u / hidden].hidden[t][u % hidden];
                        d.context[context + u] += d_score * state;
                        d_states[t][u] =
                            attention[t] * d_pooled[u] + d_score * self.context[context + u];
                    }
                }
                for (direction, trace) in traces.iter().enumerate() {
                    self.through_time(group, sample, direction, trace, &d_states, &mut d);
                }
            }
        }
        d
    }

    fn through_time(
        &self,
        group: usize,
        sample: usize,
        direction: usize,
        trace: &Trace,
        d_states: &[Vec<f64>],
        d: &mut Derivatives<f64>,
    ) {
        let Shape {
            batch,
            time,
            input,
            hidden,
            ..
        } = self.shape;
        let first = self.first_row(group, direction);
        let order = self.order(direction);
        let (mut d_h, mut d_c) = (vec![0.0; hidden], vec![0.0; hidden]);
        for (step, &t) in order.iter().enumerate().rev() {
            let zeros = vec![0.0; hidden];
            let (h_before, c_before) = match step {
                0 => (&zeros, &zeros),
                _ => (&trace.hidden[order[step - 1]], &trace.cell[order[step - 1]]),
            };
            let [i, f, g, o] = &trace.gates[t];
            let mut d_z = vec![0.0; 4 * hidden];
            for u in 0..hidden {
                let d_h = d_h[u] + d_states[t][direction * hidden + u];
                let tanh = trace.cell[t][u].tanh();
                let d_new = d_c[u] + d_h * o[u] * (1.0 - tanh * tanh);
                d_z[u] = d_new * g[u] * i[u] * (1.0 - i[u]);
                d_z[hidden + u] = d_new * c_before[u] * f[u] * (1.0 - f[u]);
                d_z[2 * hidden + u] = d_new * i[u] * (1.0 - g[u] * g[u]);
                d_z[3 * hidden + u] = d_h * tanh * o[u] * (1.0 - o[u]);
                d_c[u] = d_new * f[u];
            }
            d_h.fill(0.0);
            let x = self.input(group, sample, t);
            let x_start = ((group * batch + sample) * time + t) * input;
            for (row, d_z) in (first..).zip(d_z) {
                d.bias[row] += d_z;
                for k in 0..input {
                    d.weight_ih[row * input + k] += d_z * x[k];
                    d.x[x_start + k] += d_z * self.weight_ih[row * input + k];
                }
                for k in 0..hidden {
                    d.weight_hh[row * hidden + k] += d_z * h_before[k];
                    d_h[k] += d_z * self.weight_hh[row * hidden + k];
                }
            }
        }
    }
}
