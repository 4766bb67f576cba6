# What a developer runs; `just --list` shows all.

# Everything that must hold before a change lands
check:
    .ci/run

# The tests
test:
    cargo test --workspace --release

# The demonstration
demo:
    cargo run --release -- demo --force

# Speed of the recurrent kernel beside the processor's peak
bench:
    cargo bench --package recurrent

# The kernel's tests with each access to memory checked
sanitize:
    tools/sanitize.sh

# Damaged files for every reader, so many seconds each (needs cargo-fuzz)
fuzz seconds='60' *targets='':
    tools/fuzz.sh {{seconds}} {{targets}}

# Time of training beside PyTorch (needs Python with torch): a table of docs/speed.md
speed sample:
    cargo build --release
    python3 tools/reference/speed.py {{sample}} --epidelta target/release/epidelta

# Time of counting reads beside samtools and bedtools, in a folder that
# `tools/reference/prepare_speed.py make` has filled: a table of docs/speed.md
prepare-speed folder genes:
    cargo build --release
    python3 tools/reference/prepare_speed.py time {{folder}} --genes {{genes}} --epidelta target/release/epidelta

# Known vulnerabilities among the dependencies (needs the internet)
advisories:
    cargo deny check advisories

# The table of docs/reference.md, from the published sample
reference sample output:
    cargo build --release
    EPIDELTA=target/release/epidelta tools/reference/published_sample.sh {{sample}} {{output}}
