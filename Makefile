# The project's commands. Each sets up what it needs; all can be run again.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export PYTHONPATH := $(CURDIR)/.cache

.PHONY: help setup lab lab-down lab-escape lab-escape-down check check-run test test-fast test-unit test-integration test-releases test-molecule test-newest docs bench clean

help: ## what each command does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Debian packages and Python environment of the project
	@tools/setup

lab: setup ## a whole data lake in containers of this machine: built, registered, proven
	@tools/lab up

lab-down: setup ## takes the lab away
	@tools/lab down

lab-escape: setup ## the ten RSEs of the ESCAPE data lake of 2020: rendered, checked, in CRIC and in a real Rucio
	@tools/lab-escape up

lab-escape-down: setup ## takes the services of lab-escape away
	@tools/lab-escape down

check: check-run ## findings about a copy of a host's files: ROOT=DIR RELEASE=x.y.z [REPORT=FILE.json] [SARIF=FILE] [SYSTEM=name]
	$(if $(filter 1,$(file <.cache/check.status)),@false)

check-run:
	+@tools/setup --core
	. tools/env
	status=0
	tools/check "$(ROOT)" --release "$(RELEASE)" $(if $(SYSTEM),--system "$(SYSTEM)") $(if $(REPORT),--report "$(REPORT)") $(if $(SARIF),--sarif "$(SARIF)") || status=$$?
	echo "$$status" >.cache/check.status
	exit $$((status == 1 ? 0 : status))

# A failing command always makes make exit with 2. Asked a question (-q), make exits with 1 where a command is left to run: so warnings give 1.
ifeq ($(MAKECMDGOALS),check)
MAKEFLAGS += -q
endif

# The same random cases in every run of all tests; test-unit alone takes fresh ones.
test: export PYTEST_ADDOPTS := --hypothesis-profile=ci
test: test-fast test-integration test-browser test-newest test-molecule ## every test

test-fast: setup ## lint, sanity and unit tests, no containers
	@. tools/env
	tools/step "ruff" ruff check .
	tools/step "ruff format" ruff format --check .
	tools/step "mypy" env MYPYPATH=.cache mypy -p ansible_collections.escape.datalake.plugins
	tools/step "mypy (lab)" env MYPYPATH=.cache mypy lab/ca.py lab/summary.py lab/escape_summary.py lab/iam lab/cric lab/dcache lab/dpm lab/eos/eos.py
	tools/step "yamllint" yamllint --strict .
	tools/step "ansible-lint (production)" ansible-lint --offline --profile production
	tools/step "ansible-test sanity" tools/sanity
	$(MAKE) --no-print-directory test-unit

test-unit: setup ## unit tests of the pure core
	@. tools/env
	pytest tests/unit -n 2

test-browser: setup ## pages in a real browser
	@. tools/env
	pytest tests/browser

test-integration: setup ## modules and services against real servers, Rucio in its newest and its oldest supported release
	@. tools/env
	pytest tests/integration
	tools/test-releases --oldest

test-releases: setup ## the Rucio tests against every supported release: [RELEASES="32.8.6 41.5.1"]
	@. tools/env
	tools/test-releases $(RELEASES)

test-newest: setup ## unit tests on the newest ansible-core (Debian 13 root file system)
	@tools/newest-core pytest tests/unit -n 2

test-molecule: setup ## the roles in containers
	@. tools/env
	tools/molecule

docs: setup ## the generated pages, and a check of the modules' documentation
	@. tools/env
	tools/schema
	antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck --validate-collection-refs self .cache/ansible_collections/escape/datalake

bench: ## measures what is meant to be fast; results in bench/results; QUICK=1: small lakes only
	@tools/setup --bench
	. tools/env
	python bench/check_large_site.py bench/results/check/large_site.json
	python bench/registration.py $(if $(QUICK),--quick) bench/results/registration.json
	python bench/accounts.py $(if $(QUICK),--only 100) bench/results/accounts.json
	python bench/table.py

clean: ## removes caches and the Python environment of this checkout
	rm -rf .cache .venv .mypy_cache .pytest_cache .ruff_cache
