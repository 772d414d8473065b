# The words of the project. All of them share one target folder and one build profile, so that
# nothing is compiled twice.

NEXTEST_VERSION := 0.9.143
SOAK_CASES := 20000
SOAK_ROUNDS := 20
SEEDS := 500
FROM := 0
ARGS :=

.DEFAULT_GOAL := help
.PHONY: help demo test lint fmt bench simulate soak rust nextest

help:
	@echo 'make demo    plays the main job with simulated platforms (ARGS="--once --json" …)'
	@echo 'make test    installs what the tests need, then runs everything'
	@echo 'make lint    format, clippy and documentation, warnings denied'
	@echo 'make fmt     formats the code'
	@echo 'make soak    property tests with $(SOAK_CASES) cases, every story $(SOAK_ROUNDS) times'
	@echo 'make simulate  the simulation with $(SEEDS) seeds from $(FROM) on, or with SEED=N alone'
	@echo 'make bench   measures nothing yet'

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

# SEED=N runs that one alone and shows what happened in it.
simulate: nextest
	FROM=$(FROM) SEEDS=$(SEEDS) SEED=$(SEED) \
		cargo nextest run --locked --profile soak --test it --run-ignored all --no-capture \
		as_many_seeds_as_asked_for

bench:
	@echo 'Nothing is measured yet: `qiao bench` (coming) will do it.' >&2
	@exit 1

rust:
	@command -v cargo >/dev/null || { \
		echo 'Qiao is built with Rust. Get it from https://rustup.rs, then open a new shell.' >&2; \
		exit 1; }

nextest: rust
	@cargo nextest --version >/dev/null 2>&1 \
		|| cargo install cargo-nextest --locked --version $(NEXTEST_VERSION)
