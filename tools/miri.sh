#!/usr/bin/env bash
# The portable path of the recurrent kernel under Miri, which finds undefined behaviour that
# has no effect yet: Miri has no SIMD instructions, so only that path is taken. Left out where
# the toolchain has no Miri (`rustup component add miri` on a nightly one).
set -euo pipefail
cd "$(dirname "$0")/.."

toolchain=
if ! cargo miri --version >/dev/null 2>&1; then
  if cargo +nightly miri --version >/dev/null 2>&1; then
    toolchain=+nightly
  else
    echo 'there is no Miri here: left out'
    exit 0
  fi
fi
# Files of expected values are read; nothing else is asked of the system.
MIRIFLAGS=-Zmiri-disable-isolation cargo $toolchain miri test --package recurrent --lib
