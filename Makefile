# `make demo` shows it, `make test` proves it; the rest is for people who work on it.

CARGO ?= cargo
ENGINE_LIB = $(shell scripts/install-engine.sh --print)

.DEFAULT_GOAL := help
.PHONY: help
help: ## this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

.PHONY: demo demo-once
demo: engine ## a month of reports for 12 domains over real SMTP; stays up until Ctrl-C
	$(CARGO) build --release --locked --package ruad --package ruad-demo
	target/release/ruad-demo run --ruad target/release/ruad

demo-once: engine ## the same, prints and ends
	$(CARGO) build --release --locked --package ruad --package ruad-demo
	target/release/ruad-demo run --once --ruad target/release/ruad

.PHONY: engine
engine: ## install the embedded ClickHouse engine once for this user
	@scripts/install-engine.sh

.PHONY: test
test: engine ## everything, with the tests that need ClickHouse
	$(CARGO) test --workspace --locked

.PHONY: lint
lint: ## formatting, clippy, documentation, licences and advisories
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --locked
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check bans licenses sources; \
	else echo 'cargo-deny is not installed: licences and sources were not checked'; fi
	@if command -v cargo-machete >/dev/null; then cargo machete; fi
