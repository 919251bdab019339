# The same commands for people, for hooks and for CI. Each installs what it needs, into folders of the project:
# node_modules, build/ and target/.
#
#   make demo     thirty clients in three languages get one server
#   make test     every suite; what CI runs
#   make test-docs every snippet of the documents; the reference against its sources
#   make test-packages the packages as their users get them; part of `make test`
#   make check-macos whether it compiles for macOS, where Debian's compiler is at hand
#   make test-root locks where only root can arrange it
#   make test-servers redis, PostgreSQL, etcd and others, for twenty clients each; as root it installs what is missing
#   make test-browser Playwright's runner with a browser; as root it installs Chromium
#   make storm    300 clients, 500 rounds; 30 daemons, 200 rounds
#   make breakers 8 and 16 who break one stale lock, 10000 rounds, beside the peers
#   make man      the manual pages, into docs/man
#   make fuzz     seven minutes of bytes nobody thought of, for the parsers
#   make bench    ratios against peers, from one run

CARGO ?= cargo
NODE ?= node
NPM ?= npm
PYTHON ?= python3

TARGET := $(or $(CARGO_TARGET_DIR),target)
COMMAND := $(abspath $(TARGET))/release/server-init
VENV := build/venv

# An extra file of certificates makes each start of Node slower by more than what we measure. Package managers may need it, programs of ours never do.
PLAIN := env -u NODE_EXTRA_CA_CERTS

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find core cli bindings-python -name '*.rs' -o -name Cargo.toml)
PYTHON_SOURCES := pyproject.toml $(shell find bindings-python -name '*.py' -o -name '*.pyi' -o -name py.typed)
WHEEL = $(firstword $(wildcard build/wheel/spawnlock-*.whl))

.DELETE_ON_ERROR:
.PHONY: demo test lint stubs reference man build build-command build-node build-python test-rust test-node test-python test-packages check-macos test-docs test-examples test-runners test-servers test-browser test-root fixture storm breakers fuzz bench clean

demo: build-command build-node build-python
	$(PLAIN) $(NODE) scripts/demo.mjs '$(COMMAND)' '$(abspath $(VENV))/bin/python'

# One stage after the other, all of them even when one fails; the last lines are the counts of the runners.
test: build
	$(NODE) scripts/stages.mjs lint test-rust test-node test-python test-packages test-docs test-examples test-runners

# ── build ──

build: build-command build-node build-python

build-command:
	$(CARGO) build --release --locked --package server-init

build-node: node_modules/.package-lock.json
	$(NPM) run --silent build

build-python: build/python.stamp

# Not `npm ci`: it finds the lock file incomplete on Node 20, where the optional packages of a tool ask for a newer Node.
node_modules/.package-lock.json: package.json package-lock.json
	$(NPM) install --ignore-scripts --no-audit --no-fund
	touch $@

build/python.stamp: build/wheel.stamp $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet --force-reinstall --no-deps $(WHEEL)
	touch $@

# The very thing `pip install .` installs, built once for all interpreters.
build/wheel.stamp: $(RUST_SOURCES) $(PYTHON_SOURCES) $(VENV)/bin/python
	rm -rf build/wheel
	$(VENV)/bin/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# ── look ──

lint: node_modules/.package-lock.json build/tools.stamp
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' $(CARGO) doc --quiet --workspace --no-deps --locked
	$(NPM) run --silent check:types
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/python bindings-python/stub.py --check
	$(VENV)/bin/python -m mypy.stubtest spawnlock._native

# Writes the types of both packages anew from the Rust sources, and what is made from the table of keys.
stubs: node_modules/.package-lock.json build/tools.stamp
	$(CARGO) run --quiet --locked --package spawnlock --example schema
	$(NPM) run --silent types
	$(VENV)/bin/python bindings-python/stub.py

# Writes docs/reference anew, from the types of Node, the stub of Python and the help of the command.
reference: build-command
	$(PYTHON) scripts/reference.py '$(COMMAND)'

# What holds Python code to its types and its form; its list is in pyproject.toml.
build/tools.stamp: build/python.stamp
	$(VENV)/bin/python -m pip install --quiet '$(WHEEL)[test]'
	touch $@

# Writes the manual pages, from the help of the command.
man: build-command
	$(COMMAND) man --dir docs/man

# ── test ──

# The storms mix languages: each one's client is told to them.
CLIENTS := SPAWNLOCK_TEST_CLI='$(COMMAND)' \
	SPAWNLOCK_TEST_NODE_CONTENDER='$(NODE) $(CURDIR)/bindings-node/test/contender.mjs' \
	SPAWNLOCK_TEST_PYTHON_CONTENDER='$(CURDIR)/$(VENV)/bin/python $(CURDIR)/bindings-python/tests/contender.py' \
	SPAWNLOCK_TEST_NODE_LOCK_CONTENDER='$(NODE) $(CURDIR)/bindings-node/test/lock-contender.mjs' \
	SPAWNLOCK_TEST_PYTHON_LOCK_CONTENDER='$(CURDIR)/$(VENV)/bin/python $(CURDIR)/bindings-python/tests/lock_contender.py' \
	SPAWNLOCK_TEST_NODE_CLAIMER='$(NODE) $(CURDIR)/bindings-node/test/claimer.mjs' \
	SPAWNLOCK_TEST_PYTHON_CLAIMER='$(CURDIR)/$(VENV)/bin/python $(CURDIR)/bindings-python/tests/claimer.py'

test-rust: build build/nextest.stamp build/tools.stamp
	$(CLIENTS) $(PLAIN) $(CARGO) nextest run --locked
	$(CARGO) nextest run --locked --package spawnlock --features log --test journal
	$(CARGO) test --doc --quiet --locked --package spawnlock

build/nextest.stamp:
	$(CARGO) nextest --version >/dev/null 2>&1 || $(CARGO) install cargo-nextest --locked
	mkdir -p build && touch $@

# What only root can arrange: namespaces, frozen groups, full disks, odd file systems. What cannot be had here is skipped, with a word.
test-root: build/nextest.stamp
	$(CARGO) build --locked --manifest-path tests/fuse/Cargo.toml --target-dir '$(abspath $(TARGET))'
	SPAWNLOCK_TEST_ODD_FS='$(abspath $(TARGET))/debug/odd-fs' $(PLAIN) $(CARGO) nextest run --locked --run-ignored only --success-output final -E 'binary(root_locks) | binary(root_disks)'

FIXTURE := $(abspath $(TARGET))/debug/fixture-server

fixture:
	$(CARGO) build --locked --package spawnlock-tests --bins

test-node: build-node fixture
	SPAWNLOCK_FIXTURE='$(FIXTURE)' $(NPM) test --silent

# On the oldest and on the newest interpreter at hand.
test-python: build/wheel.stamp fixture
	SPAWNLOCK_FIXTURE='$(FIXTURE)' $(PLAIN) scripts/test-python.sh '$(WHEEL)'

# As a reader would run them, with what was built.
test-docs: build build/tools.stamp
	$(VENV)/bin/python scripts/reference.py '$(COMMAND)' --check
	$(PLAIN) $(NODE) scripts/snippets.mjs '$(COMMAND)' '$(abspath $(VENV))/bin/python'

SERVERS := $(NODE) scripts/test-servers.mjs '$(COMMAND)' '$(abspath $(VENV))/bin/python'

# Servers that need nothing but what is here.
test-examples: build build/tools.stamp
	$(SERVERS) node static fastapi

# And real ones. What cannot be had here is skipped, with a word.
test-servers: build build/tools.stamp
	scripts/servers/install.sh redis-server:redis-server etcd:etcd-server pg_isready:postgresql
	$(SERVERS)

# Vitest, Jest, node:test and, where there is a browser, Playwright; that of pytest is among the Python tests.
test-runners: build-node
	$(NODE) scripts/test-runners.mjs

test-browser: build-node
	scripts/servers/install.sh chromium:chromium
	$(NODE) scripts/test-runners.mjs playwright

# The packages as their users get them; PACKAGE_CHECKS='Bun twine' makes only those in whose names such a word stands.
test-packages: build fixture build/quality.stamp
	$(NODE) scripts/package/check.mjs '$(WHEEL)' '$(FIXTURE)' $(PACKAGE_CHECKS)

# What looks at wheels, archives and licenses; its list is in pyproject.toml.
build/quality.stamp: build/python.stamp
	$(VENV)/bin/python -m pip install --quiet '$(WHEEL)[quality]'
	touch $@

check-macos:
	scripts/check-macos.sh

# SPAWNLOCK_TEST_ROUNDS=50 makes it shorter.
storm: build build/nextest.stamp
	$(CLIENTS) $(PLAIN) $(CARGO) nextest run --locked --profile storm --run-ignored only -E 'binary(storm) | binary(claim_storm) | test(two_hundred_times) | test(thirty_users)'

fuzz:
	scripts/fuzz.sh

# SPAWNLOCK_TEST_ROUNDS=500 makes it shorter.
breakers: build
	$(CLIENTS) $(PLAIN) scripts/breakers.sh

bench:
	bench/run.sh

clean:
	rm -rf build node_modules target
