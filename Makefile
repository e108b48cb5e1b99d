# make demo      a first export by the official SDK, a signed webhook received
# make test      set everything up, then check (what CI runs)
# make check     lint, format, types, tests
# make quick     lint, format, types, and the tests that are not slow: two minutes, for every change
# make fixtures  write the committed word tables, golden exports, signed messages and the table of marks again
# make docs      the documentation as a site, with search, in build/docs/site
# make crash     kill the server before every single step of every change, and under load (CI tries a sample)
# make nemesis   disturb replicas, their database and their store for ten minutes while clients work (not in CI)
# make postgres  the tests of served worlds again, with their state in PostgreSQL (CI tries a sample)
# make replicas  the same tests, with three servers on one database and an object store, and random requests to them
# make soak      a million mixed requests (SOAK_REQUESTS=…), memory and disk beside them
# make image     build the Dockerfile and run it, without Docker and without a registry (root, buildah, debootstrap)
# make screenshots  a picture of every view of the page, in build/screenshots, to look at by eye
# make bench     the benchmarks
# make clean     remove everything that these verbs have built

PYTHON ?= python3
# Twice as many test workers as cores: the SDKs sleep half of the time, between two polls of a task.
WORKERS ?= $(shell echo $$((2 * $$(nproc 2>/dev/null || echo 1))))
# The tests of a file in one worker, and files in the order of collection: slow ones first (contract_tests/conftest.py).
DISTRIBUTION := --dist loadgroup --no-loadscope-reorder
# Bytecode is written: without it every start of a server or an SDK compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/.made
READY := $(VENV)/.ready
DEMO := $(VENV)/.demo

.PHONY: demo test check quick fixtures docs crash nemesis postgres replicas soak image screenshots bench clean

demo: $(DEMO)
	$(BIN)/python -m contract_tests.clients.demo

test: $(READY)
	.ci/debian-packages
	$(BIN)/python -m contract_tests.clients.environments
	$(BIN)/python -m contract_tests.clients.newman
	$(BIN)/python -m contract_tests.replicas.helm
	$(BIN)/python -m contract_tests.rules.console.browser
	$(MAKE) check

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n $(WORKERS) $(DISTRIBUTION)
	$(BIN)/pytest -n 2 $(DISTRIBUTION) --state-kind=postgres $(POSTGRES_SAMPLE)

quick: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n $(WORKERS) $(DISTRIBUTION) -m "not slow" contract_tests/rules

fixtures: $(READY)
	$(BIN)/python fixtures/words/make_words.py
	$(BIN)/python fixtures/webhooks/make_webhooks.py
	$(BIN)/python fixtures/exports/make_exports.py
	$(BIN)/python -m contract_tests.known
	$(BIN)/python -m contract_tests.reference

# In a copy, because zensical keeps what it has rendered beside its table, and does not complain of it again.
docs: $(READY)
	rm -rf build/docs
	mkdir -p build/docs
	cp -r zensical.toml docs build/docs
	$(BIN)/zensical build --strict --config-file build/docs/zensical.toml
	@echo "To read and search it: $(PYTHON) -m http.server --directory build/docs/site"

crash: $(READY)
	.ci/debian-packages
	CRASH_STRIDE=1 CRASH_KILLS=60 $(BIN)/pytest -n auto contract_tests/crash

nemesis: $(READY)
	.ci/debian-packages
	NEMESIS_SECONDS=600 NEMESIS_SEED=$${NEMESIS_SEED:-$$(date +%s)} $(BIN)/pytest contract_tests/replicas/test_nemesis.py

# Tests whose served worlds `make check` also keeps in PostgreSQL: none depends on how long an export takes.
POSTGRES_SAMPLE := $(addprefix contract_tests/rules/api/graphql/resolvers/test_, \
  changes.py groups.py metadata_changes.py) contract_tests/rules/api/test_wrong_items.py \
  contract_tests/rules/api/test_wrong_writes.py::test_right_arguments_are_taken

postgres: $(READY)
	.ci/debian-packages
	$(BIN)/pytest -n $(WORKERS) $(DISTRIBUTION) --state-kind=postgres contract_tests/rules/api contract_tests/rules/control \
	  contract_tests/rules/webhooks contract_tests/clients

# The same tests, with states in PostgreSQL and an object store, used by three servers.
replicas: $(READY)
	.ci/debian-packages
	$(BIN)/pytest -n 2 $(DISTRIBUTION) --state-kind=replicas contract_tests/rules/api contract_tests/rules/control \
	  contract_tests/rules/webhooks contract_tests/clients
	MACHINE_EXAMPLES=100 $(BIN)/pytest contract_tests/replicas/test_machine.py

soak: $(READY)
	$(BIN)/python -m benchmarks soak

image: $(READY)
	IMAGE_TEST=1 $(BIN)/pytest -ra contract_tests/rules/test_image.py

screenshots: $(READY)
	.ci/debian-packages
	$(BIN)/python -m contract_tests.rules.console.screenshots

bench: $(READY)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is missing or older than 3.11. Name another: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "$(PYTHON) cannot make virtual environments. On Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

$(READY): pyproject.toml | $(MADE)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[all]' --group dev
	@touch $@

# What the demonstration needs and no more: the server, and what starts it and the SDK.
$(DEMO): pyproject.toml | $(MADE)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable . --group demo
	@touch $@
