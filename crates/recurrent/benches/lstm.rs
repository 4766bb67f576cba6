//! Time per time step and sample of one direction, beside the peak rate of multiply-adds.
//!
//! Criterion reports the throughput in elements per second, an element being one time step of one
//! sample in one direction; before that a summary prints the same as nanoseconds and as a share of
//! the peak.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pulp::{NullaryFnOnce, Simd};
use recurrent::{Gradients, Level, Shape, Tape, Weights};

/// Buffers of one problem.
struct Bench {
    level: Level,
    shape: Shape,
    parameters: [Vec<f32>; 5],
    gradients: [Vec<f32>; 4],
    x: Vec<f32>,
    pooled: Vec<f32>,
    attention: Vec<f32>,
    d_pooled: Vec<f32>,
    d_attention: Vec<f32>,
}

impl Bench {
    fn new(level: Level, shape: Shape) -> Self {
        let mut state = 1_u32;
        let mut uniform = |length: usize| -> Vec<f32> {
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 24) as f32 * 0.4 - 0.2
            };
            (0..length).map(|_| next()).collect()
        };
        let lengths = [
            shape.weight_ih(),
            shape.weight_hh(),
            shape.bias(),
            shape.context(),
        ];
        Self {
            level,
            shape,
            parameters: [0, 1, 2, 2, 3].map(|index| uniform(lengths[index])),
            gradients: lengths.map(|length| vec![0.0; length]),
            x: uniform(shape.inputs()),
            pooled: vec![0.0; shape.pooled()],
            attention: vec![0.0; shape.attention()],
            d_pooled: uniform(shape.pooled()),
            d_attention: uniform(shape.attention()),
        }
    }

    fn weights(parameters: &[Vec<f32>; 5]) -> Weights<'_> {
        let [weight_ih, weight_hh, bias_ih, bias_hh, context] = parameters;
        Weights {
            weight_ih,
            weight_hh,
            bias_ih,
            bias_hh,
            context,
        }
    }

    fn inference(&mut self) {
        let weights = Self::weights(&self.parameters);
        let (pooled, attention) = (&mut self.pooled, &mut self.attention);
        self.level
            .encode(self.shape, &weights, &self.x, pooled, attention);
    }

    fn training(&mut self) -> Tape {
        let weights = Self::weights(&self.parameters);
        let (pooled, attention) = (&mut self.pooled, &mut self.attention);
        self.level
            .encode_for_training(self.shape, &weights, &self.x, pooled, attention)
    }

    fn backward(&mut self, tape: &Tape) {
        let weights = Self::weights(&self.parameters);
        let [weight_ih, weight_hh, bias, context] = &mut self.gradients;
        let mut gradients = Gradients {
            weight_ih,
            weight_hh,
            bias,
            context,
        };
        let (d_pooled, d_attention) = (&self.d_pooled, &self.d_attention);
        tape.backward(
            &weights,
            &self.x,
            d_pooled,
            d_attention,
            &mut gradients,
            None,
        );
    }

    /// Time steps of samples in either direction.
    fn steps(&self) -> usize {
        2 * self.shape.attention()
    }

    /// Multiply-adds of the recurrent and input products per step: once forwards, and once each
    /// for the states and the weights backwards.
    fn multiply_adds(&self) -> usize {
        4 * self.shape.hidden * (self.shape.hidden + self.shape.input)
    }
}

/// Independent chains of multiply-adds, as many as hide their latency.
#[derive(Clone, Copy)]
struct Peak<S> {
    simd: S,
    rounds: usize,
}

impl<S: Simd> NullaryFnOnce for Peak<S> {
    type Output = f32;

    #[inline(always)]
    fn call(self) -> f32 {
        let simd = self.simd;
        let (a, b) = (
            simd.splat_f32s(black_box(0.5)),
            simd.splat_f32s(black_box(0.5)),
        );
        let mut sums = [simd.splat_f32s(0.0); 12];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(a, *sum, b);
            }
        }
        sums.iter().map(|&sum| simd.reduce_sum_f32s(sum)).sum()
    }
}

/// Multiply-adds per nanosecond on one core, at the fastest vector width measured here.
fn peak() -> f64 {
    const ROUNDS: usize = 1_000_000;
    let rate = |lanes: usize, run: &dyn Fn() -> f32| {
        let best = shortest(20, || {
            black_box(run());
        });
        (12 * ROUNDS * lanes) as f64 / best.as_nanos() as f64
    };
    let mut best: f64 = 0.0;
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V4::try_new() {
            let peak = Peak {
                simd,
                rounds: ROUNDS,
            };
            best = best.max(rate(16, &|| simd.vectorize(peak)));
        }
        if let Some(simd) = pulp::x86::V3::try_new() {
            let peak = Peak {
                simd,
                rounds: ROUNDS,
            };
            best = best.max(rate(8, &|| simd.vectorize(peak)));
        }
    }
    #[cfg(target_arch = "aarch64")]
    if let Some(simd) = pulp::aarch64::Neon::try_new() {
        let peak = Peak {
            simd,
            rounds: ROUNDS,
        };
        best = best.max(rate(4, &|| simd.vectorize(peak)));
    }
    best
}

fn shortest(repetitions: usize, mut run: impl FnMut()) -> Duration {
    let mut timed = || {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..repetitions).map(|_| timed()).min().unwrap_or_default()
}

fn shapes() -> Vec<Shape> {
    let shape = |groups, batch, time, input, hidden| Shape {
        groups,
        batch,
        time,
        input,
        hidden,
    };
    vec![
        shape(1, 10, 200, 1, 32),
        shape(1, 64, 200, 1, 32),
        shape(15, 10, 200, 1, 32),
        shape(1, 10, 15, 64, 16),
    ]
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a thread pool starts")
}

/// Prints the shortest of many runs.
fn summary() {
    let peak = peak();
    println!("peak: {peak:.1} multiply-adds per ns on one core");
    for level in Level::available() {
        for shape in shapes() {
            for threads in [1, 2] {
                pool(threads).install(|| {
                    let mut bench = Bench::new(level, shape);
                    let repetitions = (4_000_000 / bench.steps()).clamp(5, 400);
                    let inference = shortest(repetitions, || bench.inference());
                    let training = shortest(repetitions, || drop(bench.training()));
                    let both = shortest(repetitions, || {
                        let tape = bench.training();
                        bench.backward(&tape);
                    });
                    let per_step = |time: Duration| time.as_nanos() as f64 / bench.steps() as f64;
                    let share = |products: usize, time: Duration| {
                        let work = products * bench.multiply_adds();
                        100.0 * work as f64 / (per_step(time) * peak * threads as f64)
                    };
                    println!(
                        "{level:?} {threads} thread(s) groups {} batch {} time {} input {} hidden {}: \
                         inference {:.0} ns ({:.0}%), training forward {:.0} ns ({:.0}%), \
                         backward {:.0} ns ({:.0}%), both {:.0} ns ({:.0}%)",
                        shape.groups, shape.batch, shape.time, shape.input, shape.hidden,
                        per_step(inference), share(1, inference),
                        per_step(training), share(1, training),
                        per_step(both.saturating_sub(training)),
                        share(2, both.saturating_sub(training)),
                        per_step(both), share(3, both),
                    );
                });
            }
        }
    }
}

fn lstm(criterion: &mut Criterion) {
    summary();
    let pool = pool(1);
    for shape in shapes() {
        let mut bench = Bench::new(Level::detected(), shape);
        let mut group = criterion.benchmark_group("lstm");
        group
            .sample_size(20)
            .throughput(Throughput::Elements(bench.steps() as u64));
        let name = format!(
            "groups {} batch {} time {} input {} hidden {}",
            shape.groups, shape.batch, shape.time, shape.input, shape.hidden
        );
        group.bench_function(BenchmarkId::new("inference", &name), |bencher| {
            bencher.iter(|| pool.install(|| bench.inference()));
        });
        group.bench_function(BenchmarkId::new("training forward", &name), |bencher| {
            bencher.iter(|| pool.install(|| bench.training()));
        });
        let tape = pool.install(|| bench.training());
        group.bench_function(BenchmarkId::new("backward", &name), |bencher| {
            bencher.iter(|| pool.install(|| bench.backward(&tape)));
        });
        group.finish();
    }
}

criterion_group!(benches, lstm);
criterion_main!(benches);
