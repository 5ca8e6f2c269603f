# Two commands: `make up` runs everything on this machine, `make test` passes all tests.
# Each brings what it needs; what it cannot bring, it names.

SHELL := /bin/bash
.DEFAULT_GOAL := help
WEB := analytics/web
WEB_PAGE := $(WEB)/dist/dashboard/index.html
.PHONY: help up test lint parts dashboard tools test-tools

help: ## What there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

up: parts dashboard ## Build and run redirector, ingest, analytics and ClickHouse; Ctrl-C stops them
	cargo build --release --locked --package whence-embedded
	exec target/release/whence up

test: parts dashboard test-tools ## Lint and test everything
	cd $(WEB) && npm run check && npm test
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo build --workspace --bins --locked
	cargo nextest run --workspace --locked

lint: tools ## Format and clippy only
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

# The pinned outside parts; npm ci is only run again when the lock file has changed.
parts: tools node_modules/.installed

node_modules/.installed: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

dashboard: tools $(WEB_PAGE) ## Build the dashboard, which the next cargo build puts into the programs

$(WEB_PAGE): $(WEB)/node_modules/.installed $(shell find $(WEB)/src $(WEB)/public -type f) $(WEB)/index.html $(WEB)/vite.config.js $(WEB)/compress.mjs
	cd $(WEB) && npm run build

$(WEB)/node_modules/.installed: $(WEB)/package.json $(WEB)/package-lock.json
	cd $(WEB) && npm ci --no-audit --no-fund
	@touch $@

tools:
	@command -v cargo >/dev/null || { echo "Rust is missing: see https://rustup.rs" >&2; exit 1; }
	@command -v node >/dev/null && command -v npm >/dev/null || { echo "Node.js with npm is missing: see https://nodejs.org (version 20 or later)" >&2; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || a == 20 && b >= 19 ? 0 : 1)' || { echo "Node.js is too old: version 20.19 or later is needed, this is $$(node --version)" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "A C compiler is missing: apt-get install build-essential" >&2; exit 1; }

# What only the tests need: Redis, Python for ClickHouse's Python client, a clock that can be stepped, a browser, and
# the test runner.
test-tools: tools
	@missing=""; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$$missing python3-venv"; \
	command -v faketime >/dev/null || missing="$$missing faketime"; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || missing="$$missing chromium"; \
	[ -z "$$missing" ] || { \
	  echo "installing what the tests need:$$missing"; \
	  command -v apt-get >/dev/null || { echo "no apt-get here: install$$missing by hand" >&2; exit 1; }; \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$sudo apt-get update -q && $$sudo apt-get install -y -q $$missing; }
	@cargo nextest --version >/dev/null 2>&1 || cargo install --locked cargo-nextest
