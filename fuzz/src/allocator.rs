//! Memory that is asked for at once.
//!
//! libFuzzer's own limits see only what is touched (`-rss_limit_mb`) unless a sanitizer is
//! built in; a reader that reserves what a header claims would pass unseen.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    backtrace::Backtrace,
};

/// More than any reader needs at once of the small files here.
const MOST: usize = 512 << 20;

struct Limited;

#[global_allocator]
static ALLOCATOR: Limited = Limited;

/// Ends the process where too much is asked for. A panic would be caught by the readers that
/// catch those of decoders.
fn check(bytes: usize) {
    if bytes > MOST {
        let place = Backtrace::force_capture();
        eprintln!("{bytes} bytes of memory were asked for at once\n{place}");
        std::process::abort();
    }
}

// SAFETY: all is left to the system's allocator, with what it was asked for.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller's; the memory is of `System`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check(size);
        // SAFETY: as the caller's; the memory is of `System`.
        unsafe { System.realloc(memory, layout, size) }
    }
}
