# The two commands of the README are `make demo` and `make test`; each installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FORMAT ?= text
TARGET ?= local
WORKERS ?= 2

.PHONY: help demo picture test test-long test-loki lint format docs bench lock clean
help: ## what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

# Talk goes to stderr: `make demo FORMAT=json` prints nothing but the decision on stdout.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gonogo needs Python 3.11 or newer; say: make PYTHON=python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) >&2 || { echo "cannot make a virtual environment: install python3-venv (apt-get install python3-venv)" >&2; exit 2; }

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable . >&2
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt >&2
	@touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt >&2
	@touch $@

demo: $(VENV)/.run ## ship examples/medianest from a fresh repository, and drill the way back (TARGET=staging: with Compose)
	@$(BIN)/python demo/demo.py --format $(FORMAT) --target $(TARGET)

picture: $(VENV)/.run ## the picture in the README, from a run of the demo
	@$(BIN)/python demo/picture.py

test: $(VENV)/.dev ## run the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not long"

test-long: $(VENV)/.dev ## run the tests that take minutes
	$(BIN)/python -m pytest -m long

test-loki: $(VENV)/.dev ## the tests of Loki against the real one, built from the Go module proxy
	loki=$$(nice tests/monitoring/build-loki.sh) && GONOGO_TEST_LOKI=$$loki $(BIN)/python -m pytest tests/monitoring/test_loki.py

lint: $(VENV)/.dev ## ruff, mypy, import-linter, deptry
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src

format: $(VENV)/.dev ## rewrite the code as ruff wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.run ## write the reference pages anew from the code
	$(BIN)/gonogo docs --write docs/reference

bench: $(VENV)/.bench ## speed against peers, in one run
	$(BIN)/python -m bench

lock: $(VENV)/.bench ## resolve the dependencies anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q pyproject.toml --upgrade --extra local --universal --generate-hashes --no-emit-index-url --no-header -o requirements/run.txt
	$(BIN)/uv pip compile -q pyproject.toml --upgrade --all-extras --group dev --universal --generate-hashes --no-emit-index-url --no-header -o requirements/dev.txt
	$(BIN)/uv pip compile -q pyproject.toml --upgrade --all-extras --group dev --group bench --universal --generate-hashes --no-emit-index-url --no-header -o requirements/bench.txt

clean: ## remove what make made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist build
