#!/usr/bin/env bash
# The tests of the recurrent kernel, every level of it, with each access to memory
# checked by AddressSanitizer.
set -euo pipefail
cd "$(dirname "$0")/.."

# RUSTC_BOOTSTRAP admits the flag on a stable compiler. Documentation tests are left
# out: they are linked without it.
# A folder of its own: what is built under the variable would be built again without it.
RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address cargo test --package recurrent --lib --tests \
  --target-dir "${CARGO_TARGET_DIR:-target}/sanitize" \
  --release --locked --target "$(rustc -vV | sed -n 's/^host: //p')"
