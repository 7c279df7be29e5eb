# `make demo` shows it, `make test` proves it; the rest is for people who work on it.

CARGO ?= cargo

.DEFAULT_GOAL := help
.PHONY: help
help: ## this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

PROFILE ?= demo
TARGET = $(or $(CARGO_TARGET_DIR),target)
BUILT = $(TARGET)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

.PHONY: demo demo-once
demo: engine ## a month of reports for 12 domains over real SMTP; stays up until Ctrl-C
	$(CARGO) build --profile $(PROFILE) --locked --package ruad --package ruad-demo
	$(BUILT)/ruad-demo run --ruad $(BUILT)/ruad

demo-once: engine ## the same, prints and ends
	$(CARGO) build --profile $(PROFILE) --locked --package ruad --package ruad-demo
	$(BUILT)/ruad-demo run --once --ruad $(BUILT)/ruad

.PHONY: demo-onboarding
demo-onboarding: engine ## a customer from nothing to p=reject in simulated months, told by day
	$(CARGO) build --profile $(PROFILE) --locked --package ruad --package ruad-demo
	$(BUILT)/ruad-demo onboarding --ruad $(BUILT)/ruad

.PHONY: engine
engine: ## install the embedded ClickHouse engine once for this user
	@scripts/install-engine.sh

# The comparison of SMTP receivers needs OpenSSL's headers for a peer, which nothing else does.
WORKSPACE = --workspace --exclude ruad-bench-smtp --locked

# What the queries of the dashboards gave over the demo, for those who draw them.
RESULTS = $(abspath $(TARGET))/dashboards.json

.PHONY: test
test: engine ## everything, with the tests that need ClickHouse
	RUAD_DASHBOARD_RESULTS=$(RESULTS) $(CARGO) test $(WORKSPACE)

.PHONY: test-peers
test-peers: ## Postfix, Exim and swaks deliver to it; installs them, needs root
	tests/peers/run.sh

# Pages to open beside those that the tests write.
PAGES ?=

.PHONY: test-pages
test-pages: ## pages in headless Chromium: nothing is loaded, axe-core is content; needs node and chromium
	npm ci --prefix tests/pages --no-audit --no-fund --silent
	rm -rf $(TARGET)/pages && mkdir -p $(TARGET)/pages
	RUAD_PAGES=$(abspath $(TARGET)/pages) $(CARGO) test --locked --test certificate pages_to_look_at
	node tests/pages/run.mjs --images $(TARGET)/pages/images --pages 1 $(TARGET)/pages/*.html
	RUAD_SAMPLES=$(abspath $(TARGET)/pages/reports) $(CARGO) test --locked --test review a_document_in_both_languages
	node tests/pages/run.mjs --images $(TARGET)/pages/images $(TARGET)/pages/*.svg $(TARGET)/pages/reports/*.html $(PAGES)

.PHONY: test-checkdmarc
test-checkdmarc: ## checkdmarc examines our zones; no fault of it may be missing; installs it from PyPI
	benches/peers/checkdmarc.sh

.PHONY: lint
lint: ## formatting, clippy, documentation, licences, words
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(WORKSPACE) --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc $(WORKSPACE) --no-deps
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check bans licenses sources; \
	else echo 'cargo-deny is not installed: licences and sources were not checked'; fi
	@if command -v cargo-machete >/dev/null; then cargo machete; fi
	scripts/check-words.sh

.PHONY: docs
docs: ## write the documents that are made from the program's own tables
	RUAD_WRITE_DOCS=1 $(CARGO) test --locked --test documents

.PHONY: dashboards dashboards-install test-dashboards
dashboards-install: ## what the dashboards' generator and renderer need, from npm
	npm ci --prefix dashboards --ignore-scripts --no-audit --no-fund

dashboards: ## write dashboards/grafana/*.json from dashboards/src
	npm run --silent --prefix dashboards write

test-dashboards: ## they are what the generator writes, and keep to Grafana's types
	@if [ -d dashboards/node_modules ]; then npm run --silent --prefix dashboards types && npm run --silent --prefix dashboards check; \
	else echo 'dashboards/node_modules is missing, so the dashboards were not checked: make dashboards-install'; fi

# Where the dashboards are drawn to.
DRAWN ?= $(abspath $(TARGET))/dashboards

# Every `make test` writes it anew.
$(RESULTS): | engine
	$(CARGO) build --locked --package ruad --package ruad-demo
	RUAD_DASHBOARD_RESULTS=$@ $(CARGO) test --locked --package ruad-demo --test dashboards

.PHONY: draw-dashboards pictures
draw-dashboards: $(RESULTS) ## draw every dashboard from what the last `make test` found; fails on an empty panel; needs node and chromium
	npm run --silent --prefix dashboards draw -- --data $(RESULTS) --out $(DRAWN)

pictures: ## run the demo and draw the dashboards into docs/img/dashboards
	rm -f $(RESULTS)
	$(MAKE) draw-dashboards DRAWN=$(abspath docs/img/dashboards)
	@if command -v pngquant >/dev/null; then pngquant --force --ext .png --skip-if-larger --strip 256 -- docs/img/dashboards/*.png; fi

.PHONY: fuzz
fuzz: ## every fuzz target for a minute each; needs cargo-fuzz and a nightly compiler
	fuzz/run.sh 60

# Sets of reports for the benchmarks, made once.
SETS = $(TARGET)/bench-sets

.PHONY: bench bench-parse bench-flow bench-health bench-advice bench-dashboards bench-smtp
bench: bench-parse bench-flow bench-health bench-advice bench-smtp bench-dashboards ## all comparisons; takes some minutes, needs root for Postfix

bench-parse: ## records a second of the parser, of mail-auth's and of a bare quick-xml loop
	$(CARGO) build --release --locked --package ruad-bench-flow
	$(CARGO) build --release --locked --package ruad-bench-parse
	test -d $(SETS)/xml-2000x20 || $(TARGET)/release/ruad-bench-flow make $(SETS)/xml-2000x20 2000 20 --form xml
	test -d $(SETS)/xml-1x200000 || $(TARGET)/release/ruad-bench-flow make $(SETS)/xml-1x200000 1 200000 --form xml
	$(TARGET)/release/ruad-bench-parse $(SETS)/xml-2000x20 $(SETS)/xml-1x200000
	$(TARGET)/release/ruad-bench-parse --rss ruad $(SETS)/xml-1x200000/*.xml
	$(TARGET)/release/ruad-bench-parse --rss mail-auth $(SETS)/xml-1x200000/*.xml

bench-flow: engine ## records a second from SMTP to rows that can be queried, and memory
	$(CARGO) build --release --locked --package ruad --package ruad-bench-flow
	test -d $(SETS)/20000x20 || $(TARGET)/release/ruad-bench-flow make $(SETS)/20000x20 20000 20
	test -d $(SETS)/5x200000 || $(TARGET)/release/ruad-bench-flow make $(SETS)/5x200000 5 200000
	test -d $(SETS)/1x1000000 || $(TARGET)/release/ruad-bench-flow make $(SETS)/1x1000000 1 1000000
	$(TARGET)/release/ruad-bench-flow run $(SETS)/20000x20 $(SETS)/5x200000 $(SETS)/1x1000000

bench-health: ## domains a second that are examined, and memory
	$(CARGO) build --release --locked --package ruad --package ruad-bench-health
	$(TARGET)/release/ruad-bench-health

bench-advice: engine ## plans for ten thousand domains with a year of reports: time and memory
	$(CARGO) build --release --locked --package ruad --package ruad-bench-advice
	$(TARGET)/release/ruad-bench-advice

bench-dashboards: engine ## every panel of the dashboards over a year of 2,000 domains: rows read, time
	$(CARGO) build --release --locked --package ruad --package ruad-bench-dashboards
	$(TARGET)/release/ruad-bench-dashboards --ruad $(TARGET)/release/ruad $(SETS)/dashboards

bench-smtp: ## messages a second to a durable 250: ruad, Postfix, smtp-sink and mailin-embedded
	benches/smtp/run.sh
