# Everything a person or a build machine does with this tree. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Any Python from 3.11 on: make run PYTHON=python3.13
PYTHON ?= python3
BOOKWORM_PYTHON ?= python3.11
HOME_ASSISTANT_PYTHON ?= python3.13
# Further words for pytest: make test ARGS='tests/unit -k pilot'
ARGS ?=
# Another port for make run: make run PORT=9000
PORT ?=
# Executions of each parser for make fuzz.
RUNS ?= 1000000

# make deb ARCH=arm64: what depends on the processor, for another one.
ARCH ?=
# Seconds of make soak; mutants of make mutation, and which.
SOAK ?= 3600
MUTANTS ?= 100
SEED ?= 1

VENV := .venv
BOOKWORM_VENV := .venv-bookworm
HOME_ASSISTANT_VENV := .venv-homeassistant
# A virtual environment is ready for one version of Python and one state of the lock files.
version_of = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VERSION := $(call version_of,$(PYTHON))
LIBRARIES_READY := $(VENV)/ready-libraries-$(VERSION)
RUN_READY := $(VENV)/ready-to-run-$(VERSION)
BENCH_READY := $(VENV)/ready-to-bench-$(VERSION)
FUZZ_READY := $(VENV)/ready-to-fuzz-$(VERSION)
MUTATION_READY := $(VENV)/ready-to-mutate-$(VERSION)
DEV_READY := $(VENV)/ready-to-test-$(VERSION)
BOOKWORM_READY := $(BOOKWORM_VENV)/ready
HOME_ASSISTANT_READY := $(HOME_ASSISTANT_VENV)/ready

PIP := -m pip --disable-pip-version-check --quiet
SELF := --no-deps --no-build-isolation --editable .

# The browser tests drive the system's own Chromium; a machine without it runs all the others.
CHROMIUM := $(shell command -v chromium || command -v chromium-browser)
CHOSEN := not system and not hat and not homeassistant$(if $(CHROMIUM),, and not browser)

# What has to reach every line and branch of evsed/charging.
CHARGING_TESTS := $(wildcard tests/unit/charging tests/properties tests/scenarios tests/contract/traces)

# What imports no library at all cannot tell one set of versions from another.
WITHOUT_LIBRARIES := tests/unit/charging tests/unit/station tests/contract/traces tests/unit/hardware_simulator

.PHONY: help run test test-bookworm test-homeassistant test-system check coverage explore endurance load-day safety
.PHONY: bench soak mutation faults fuzz deb screenshots clean preflight

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_READY) ## start the simulated charger on http://127.0.0.1:8080
	@exec $(VENV)/bin/evsed run --board sim --config etc/evsed-sim.yaml --state-dir .state \
	  --restart-in-place $(if $(PORT),--http-port $(PORT))

test: $(DEV_READY) ## run the tests
	@$(if $(CHROMIUM),,echo 'Chromium is not installed: the browser tests are left out.')
	@$(VENV)/bin/pytest -q -n auto -m '$(CHOSEN)' --leave-out-missing $(ARGS)

test-bookworm: $(BOOKWORM_READY) ## run the tests on the library versions of Debian 12
	@$(BOOKWORM_VENV)/bin/pytest -q -n auto --leave-out-missing --ignore-glob='*/test_checks_*.py' \
	  $(addprefix --ignore=,$(WITHOUT_LIBRARIES)) tests/unit tests/contract $(ARGS)

test-homeassistant: $(DEV_READY) $(HOME_ASSISTANT_READY) ## run Home Assistant beside the charger (tests/homeassistant; minutes; needs Python 3.13)
	@HOME_ASSISTANT_PYTHON=$(HOME_ASSISTANT_VENV)/bin/python \
	  $(VENV)/bin/pytest -q -s -m homeassistant tests/homeassistant $(ARGS)

test-system: $(DEV_READY) ## run the tests of package and network in virtual machines (tests/system/README.md; an hour)
	@$(VENV)/bin/pytest -q -s -m system tests/system $(ARGS)

check: $(DEV_READY) ## format, lint, types, import rules
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

coverage: $(DEV_READY) ## every line and branch of the charging rules must be tested
	@$(VENV)/bin/pytest -q -n auto --cov=evsed.charging --cov-report= \
	  $(CHARGING_TESTS) $(ARGS)
	@$(VENV)/bin/coverage report --include='evsed/charging/*' --show-missing --skip-covered --fail-under=100

explore: $(DEV_READY) ## every state the charging rules can reach, the large alphabets too (many minutes)
	@$(VENV)/bin/python -m tests.exploration --full

safety: $(DEV_READY) ## check and measure what is promised, and write docs/safety.md (minutes)
	@$(VENV)/bin/python -m tests.safety

endurance: $(DEV_READY) ## 1000 kills, 20 000 sessions, a year of charging (an hour; needs 1 GB of disk)
	@EVSED_KILLS=1000 EVSED_SESSIONS=20000 EVSED_DAYS=365 $(VENV)/bin/pytest -q -s tests/endurance $(ARGS)

load-day: $(DEV_READY) ## ten chargers behind one fuse for a day, ten thousand profiles (an hour and a half)
	@EVSED_LOAD_S=86400 EVSED_PROFILES=10000 EVSED_CHARGERS=10 EVSED_CHARGERS_S=600 $(VENV)/bin/pytest -q -s \
	  tests/scenarios/test_load_sharing.py tests/unit/services/ocpp/test_ocpp_hostile.py \
	  tests/daemon/test_chargers_behind_one_fuse.py $(ARGS)

bench: $(BENCH_READY) ## measure this machine beside other servers, and write the table in docs/performance.md (10 minutes)
	@$(VENV)/bin/evsed bench all --json build/bench.json --page docs/performance.md

soak: $(DEV_READY) ## a charger under full load for an hour: does anything grow? make soak SOAK=600
	@$(VENV)/bin/python -m tests.soak --seconds $(SOAK)

mutation: $(MUTATION_READY) ## change the charging rules in small places: do the tests notice? make mutation MUTANTS=500
	@$(VENV)/bin/python -m tests.mutation --mutants $(MUTANTS) --seed $(SEED) $(ARGS)

faults: $(DEV_READY) ## take each behavior of the fault campaign away and see its test fail; write docs/faults.md (minutes)
	@$(VENV)/bin/python -m tests.faults --removed

fuzz: $(FUZZ_READY) ## feed every parser a million inputs, guided by coverage (an hour): make fuzz RUNS=10000
	@$(VENV)/bin/python -m tests.fuzz --runs $(RUNS)

# Built in a copy of what git knows, so that nothing that lies about gets in. Debian's own Python builds
# Debian's packages; on Debian 12 they come out for 12 and 13 alike.
comma := ,
deb: ## build the Debian packages into dist/; make deb ARCH=arm64: Lua for that processor
	@command -v dpkg-buildpackage >/dev/null && command -v dh_installsysusers >/dev/null \
	  || { echo 'On Debian: sudo apt install devscripts equivs && sudo mk-build-deps --install debian/control'; exit 1; }
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT \
	  && mkdir "$$scratch/evsed" && git ls-files -z --cached | xargs -0 cp --parents -dt "$$scratch/evsed" \
	  && chmod -R go=rX,u+w "$$scratch" && cd "$$scratch/evsed" \
	  && env -u MAKEFLAGS -u MAKELEVEL PATH=/usr/sbin:/usr/bin:/sbin:/bin dpkg-buildpackage --no-sign \
	    $(if $(ARCH),--build=any --host-arch $(ARCH) -Pcross$(comma)nocheck,--build=binary) \
	  && mkdir -p '$(CURDIR)/dist' && cp "$$scratch"/*.deb "$$scratch"/*.changes "$$scratch"/*.buildinfo '$(CURDIR)/dist'
	@ls -l dist/*.deb

screenshots: $(DEV_READY) ## take the pictures in docs/screenshots anew (needs chromium and pngquant)
	@$(VENV)/bin/python tests/browser/screenshots.py

clean: ## remove what the other targets made, the simulated charger's memory included
	rm -rf $(VENV) $(BOOKWORM_VENV) $(HOME_ASSISTANT_VENV) .state build dist *.egg-info .coverage .coverage.*
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# --- virtual environments ---

preflight:
	@command -v $(PYTHON) >/dev/null \
	  || { echo 'There is no $(PYTHON) here. On Debian: sudo apt install python3 python3-venv'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo '$(PYTHON) is version $(VERSION); evsed needs 3.11 or newer (make PYTHON=python3.12 ...).'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo '$(PYTHON) cannot make virtual environments. On Debian: sudo apt install python3-venv'; exit 1; }

# spidev comes as source only and is compiled on the spot, where that can be done.
BUILD_TOOLS := import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("include"), "Python.h").stat()
can_compile = command -v cc >/dev/null && $(1) -c '$(BUILD_TOOLS)' 2>/dev/null

$(LIBRARIES_READY): requirements.txt requirements-spi.txt | preflight
	@echo 'Setting up $(VENV) (once; a minute or two, longer on a Pi) ...'
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python $(PIP) install -r requirements.txt
	@if $(call can_compile,$(PYTHON)); then $(VENV)/bin/python $(PIP) install -r requirements-spi.txt; \
	  else echo 'Without spidev: only a Pi with a hat needs it (sudo apt install gcc python3-dev, make clean).'; fi
	@touch $@

$(RUN_READY): $(LIBRARIES_READY) pyproject.toml
	@$(VENV)/bin/python $(PIP) install $(SELF)
	@touch $@

$(DEV_READY): $(RUN_READY) requirements-test.txt requirements-dev.txt
	@echo 'Adding the test tools to $(VENV) ...'
	@$(VENV)/bin/python $(PIP) install -r requirements-dev.txt
	@touch $@

$(BENCH_READY): $(RUN_READY) requirements-bench.txt
	@$(VENV)/bin/python $(PIP) install -r requirements-bench.txt
	@touch $@

$(FUZZ_READY): $(DEV_READY) requirements-fuzz.txt
	@$(VENV)/bin/python $(PIP) install -r requirements-fuzz.txt
	@touch $@

$(HOME_ASSISTANT_READY): requirements-homeassistant.txt
	@command -v $(HOME_ASSISTANT_PYTHON) >/dev/null \
	  || { echo 'Home Assistant needs Python 3.13 (make HOME_ASSISTANT_PYTHON=...).'; exit 1; }
	@echo 'Setting up $(HOME_ASSISTANT_VENV) (minutes) ...'
	@rm -rf $(HOME_ASSISTANT_VENV)
	@$(HOME_ASSISTANT_PYTHON) -m venv $(HOME_ASSISTANT_VENV)
	@$(HOME_ASSISTANT_VENV)/bin/python $(PIP) install -r requirements-homeassistant.txt
	@touch $@

$(MUTATION_READY): $(DEV_READY) requirements-mutation.txt
	@$(VENV)/bin/python $(PIP) install -r requirements-mutation.txt
	@touch $@

$(BOOKWORM_READY): requirements-bookworm.txt requirements-test.txt pyproject.toml
	@command -v $(BOOKWORM_PYTHON) >/dev/null && test '$(call version_of,$(BOOKWORM_PYTHON))' = 3.11 \
	  || { echo 'Debian 12 has Python 3.11: its library versions are tested with that (make BOOKWORM_PYTHON=...).'; exit 1; }
	@$(call can_compile,$(BOOKWORM_PYTHON)) \
	  || { echo 'A C compiler and the headers of Python are needed: sudo apt install gcc python3-dev'; exit 1; }
	@echo 'Setting up $(BOOKWORM_VENV) with the library versions of Debian 12 ...'
	@rm -rf $(BOOKWORM_VENV)
	@$(BOOKWORM_PYTHON) -m venv $(BOOKWORM_VENV)
	@$(BOOKWORM_VENV)/bin/python $(PIP) install -r requirements-bookworm.txt
	@$(BOOKWORM_VENV)/bin/python $(PIP) install $(SELF)
	@touch $@
