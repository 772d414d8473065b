# The words of the project. All of them but `bench` share one target folder and one build profile,
# so that nothing is compiled twice.

NEXTEST_VERSION := 0.9.143
SOAK_CASES := 20000
SOAK_ROUNDS := 20
ARGS :=

.DEFAULT_GOAL := help
.PHONY: help demo test lint fmt bench soak rust nextest

help:
	@echo 'make demo    plays the main job with simulated platforms (ARGS="--once --json" …)'
	@echo 'make test    installs what the tests need, then runs everything'
	@echo 'make lint    format, clippy and documentation, warnings denied'
	@echo 'make fmt     formats the code'
	@echo 'make soak    property tests with $(SOAK_CASES) cases, every story $(SOAK_ROUNDS) times'
	@echo 'make bench   measures speed and memory, writes docs/BENCHMARKS.md (ARGS="--only intake …")'

demo: rust
	@cargo run --quiet --locked --bin qiao -- demo $(ARGS)

test: lint nextest
	cargo test --quiet --locked --workspace --doc
	cargo nextest run --locked --workspace

lint: rust
	cargo fmt --all --check
	cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --workspace --no-deps --document-private-items

fmt: rust
	cargo fmt --all

# The unit tests without a property do not look at PROPTEST_CASES and cost nothing.
soak: nextest
	PROPTEST_CASES=$(SOAK_CASES) cargo nextest run --locked --profile soak --workspace --lib
	cargo nextest run --locked --profile soak --test it --stress-count $(SOAK_ROUNDS)

# A release build, on an otherwise idle machine; the whole takes about half an hour.
bench: rust
	cargo run --quiet --release --locked --bin qiao -- bench --write docs/BENCHMARKS.md $(ARGS)

rust:
	@command -v cargo >/dev/null || { \
		echo 'Qiao is built with Rust. Get it from https://rustup.rs, then open a new shell.' >&2; \
		exit 1; }

nextest: rust
	@cargo nextest --version >/dev/null 2>&1 \
		|| cargo install cargo-nextest --locked --version $(NEXTEST_VERSION)
