//! After a first call, the memory that grows with the problem is recycled.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use recurrent::{Gradients, Shape, Weights, encode, encode_for_training};

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

/// Counts the bytes asked of the system.
struct Counting;

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn calls_recycle_their_memory() {
    let shape = Shape {
        groups: 5,
        batch: 10,
        time: 100,
        input: 1,
        hidden: 32,
    };
    let (weight_ih, weight_hh) = (vec![0.1; shape.weight_ih()], vec![0.1; shape.weight_hh()]);
    let (bias, context) = (vec![0.0; shape.bias()], vec![0.1; shape.context()]);
    let weights = Weights {
        weight_ih: &weight_ih,
        weight_hh: &weight_hh,
        bias_ih: &bias,
        bias_hh: &bias,
        context: &context,
    };
    let (mut d_ih, mut d_hh) = (weight_ih.clone(), weight_hh.clone());
    let (mut d_bias, mut d_context) = (bias.clone(), context.clone());
    let x = vec![1.0; shape.inputs()];
    let mut pooled = vec![0.0; shape.pooled()];
    let mut attention = vec![0.0; shape.attention()];
    let (d_pooled, d_attention) = (vec![1.0; shape.pooled()], vec![0.0; shape.attention()]);
    let mut call = || {
        let before = ALLOCATED.load(Ordering::Relaxed);
        encode(shape, &weights, &x, &mut pooled, &mut attention);
        let tape = encode_for_training(shape, &weights, &x, &mut pooled, &mut attention);
        let mut gradients = Gradients {
            weight_ih: &mut d_ih,
            weight_hh: &mut d_hh,
            bias: &mut d_bias,
            context: &mut d_context,
        };
        tape.backward(&weights, &x, &d_pooled, &d_attention, &mut gradients, None);
        drop(tape);
        ALLOCATED.load(Ordering::Relaxed) - before
    };

    // On one thread the same scratch is in use at once in every call.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.expect("a thread pool starts");
    let (first, later): (usize, Vec<usize>) =
        pool.install(|| (call(), (0..5).map(|_| call()).collect()));
    let tape = shape.attention() * 2 * shape.hidden * 6 * size_of::<f32>();
    assert!(first > tape, "{first}");
    // Lists of tasks are all that is left.
    assert!(later.iter().all(|&bytes| bytes < 64 << 10), "{later:?}");
}
