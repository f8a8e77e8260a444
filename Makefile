# Everything that running and testing need is set up by these rules, in this directory alone
# (but for Debian's python3-venv, where it is missing and we may install it).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SOURCE := $(shell find oomwatchd packaging -type f -not -name '*.pyc' 2>/dev/null) \
          setup.cfg pyproject.toml README.md
# The socket, the lock and the configuration of `make run`.
RUN    := $(CURDIR)/run
ARGS   ?=

# The oldest versions of the libraries that setup.cfg allows: tests run the daemon with them too.
OLDEST := structlog==22.3.0 psutil==5.9.4

# Debian packages that some tests ask for; they are skipped where these are missing.
TOOLS := strace busybox

.PHONY: run check lint test target bench bench-target bench-explain fuzz tools clean

run: $(VENV)/run.stamp
	@mkdir -p $(RUN)
	@test -e $(RUN)/oomwatchd.conf || \
	    printf '[socket]\npath = %s/oomwatchd.sock\n' '$(RUN)' >$(RUN)/oomwatchd.conf
	@echo 'ask it from another terminal: $(BIN)/oomwatchctl --socket run/oomwatchd.sock status'
	@exec $(BIN)/oomwatchd --config $(RUN)/oomwatchd.conf $(ARGS)

check: tools lint test

lint: $(VENV)/test.stamp
	$(BIN)/ruff check oomwatchd tests
	$(BIN)/ruff format --check oomwatchd tests
	$(BIN)/mypy
	$(BIN)/lint-imports

# The wheel is what is tested: pytest never puts this tree on its path.
test: $(VENV)/test.stamp
	rm -f .coverage .coverage.*
	$(BIN)/coverage run $(BIN)/pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# The ARM device under QEMU, until the kernel kills: what tests/target/packages.txt names is
# needed for it.
target: $(VENV)/test.stamp
	PYTHONPATH=tests $(BIN)/python -m target.demo

# What the daemon costs, in instructions counted on the same device; fails if a goal is missed.
bench: $(VENV)/test.stamp
	PYTHONPATH=tests $(BIN)/python -m target.bench $(ARGS)

# How memory fails with the daemon, with its peers and with nothing: 20 seeds of everything take
# hours; ARGS='--seeds 2 --scenario movable' is a taste.
bench-target: $(VENV)/test.stamp
	PYTHONPATH=tests $(BIN)/python -m target.proof $(ARGS)

# What explaining costs: whether it grows with the log alone; ARGS='--megabytes 100' for seconds.
bench-explain: $(VENV)/test.stamp
	PYTHONPATH=tests $(BIN)/python -P -m explainbench $(ARGS)

# Bytes that a fuzzer makes up, fed to `explain`; ARGS are libFuzzer's: '-max_total_time=600'.
fuzz: $(VENV)/fuzz.stamp
	$(BIN)/python tests/fuzz/explain.py $(ARGS)

tools:
	@for tool in $(TOOLS); do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	test -z "$$missing" && exit 0; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	    apt-get update -qq; apt-get install -qq -y --no-install-recommends $$missing; \
	else \
	    echo "some tests will be skipped; install:$$missing" >&2; \
	fi

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo 'oomwatchd needs Python 3.11 or later; set PYTHON=' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	    rm -rf $(VENV); \
	    test "$$(id -u)" = 0 && command -v apt-get >/dev/null || \
	        { echo 'install python3-venv first: apt-get install python3-venv' >&2; exit 1; }; \
	    apt-get update -qq; apt-get install -qq -y python3-venv && $(PYTHON) -m venv $(VENV); }

$(VENV)/run.stamp: $(VENV)/bin/pip $(SOURCE)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade --force-reinstall \
	    '.[processes]'
	@rm -rf build
	@touch $@

$(VENV)/test.stamp: $(VENV)/bin/pip $(SOURCE)
	rm -rf build dist
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(BIN)/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps dist/*.whl
	$(BIN)/pip install --quiet --disable-pip-version-check \
	    "oomwatchd[processes,test] @ file://$$(echo $(CURDIR)/dist/*.whl)"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	    --target $(VENV)/oldest $(OLDEST)
	@rm -rf build
	@touch $@ $(VENV)/run.stamp

$(VENV)/fuzz.stamp: $(VENV)/test.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check \
	    "oomwatchd[fuzz] @ file://$$(echo $(CURDIR)/dist/*.whl)"
	@touch $@

clean:
	rm -rf $(VENV) build dist .fuzz .coverage .coverage.* *.egg-info
