#!/usr/bin/env bash
# Builds epidelta as one file that needs no library of the machine it runs on, and puts it into a
# folder:
#
#   tools/build-static.sh [FOLDER]     # default: dist
#
# Needs Rust, a C compiler and, to be linked in, glibc's static library (Debian and Ubuntu:
# libc6-dev; Fedora and RHEL: glibc-static).
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-dist}
host=$(rustc -vV | sed -n 's/^host: //p')
case $host in
*-linux-gnu | *-linux-musl) ;;
*)
    echo "static binaries are for Linux, not for $host: use cargo build --release" >&2
    exit 1
    ;;
esac
# Named, so that what runs while it builds is not linked statically too.
RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" \
    cargo build --release --locked --package epidelta-cli --target "$host"
mkdir -p "$folder"
cp "${CARGO_TARGET_DIR:-target}/$host/release/epidelta" "$folder/epidelta"
if readelf --dynamic "$folder/epidelta" 2>/dev/null | grep NEEDED; then
    echo "$folder/epidelta needs the libraries above" >&2
    exit 1
fi
"$folder/epidelta" --version
