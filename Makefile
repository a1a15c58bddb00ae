# ECR Steward. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.venv/sam/bin:$(PATH)

# SAM runs make, too, and there RULES has another value than was typed here.
MAKEOVERRIDES :=
export IMAGE := $(IMAGE)

UV := $(CURDIR)/.venv/uv/bin/uv
export UV
INSTALL := $(UV) pip sync --quiet --compile-bytecode --require-hashes --strict

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: setup
setup: .venv/.ready .venv/sam/.ready .venv/cloud/.ready ## Make .venv with everything, ecr-steward included

.venv/uv/.ready: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ECR Steward needs Python 3.11 or newer: make setup PYTHON=/path/to/python3.11")'
	@echo "setup: the installer (uv)"
	@mkdir -p .venv
	@$(PYTHON) -m venv .venv/uv 2> .venv/uv.log || { cat .venv/uv.log >&2; exit 1; }
	@.venv/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/.ready: .venv/uv/.ready requirements/dev.txt layers/steward/pyproject.toml cli/pyproject.toml
	@echo "setup: the library, the command line and the test tools"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@VIRTUAL_ENV=.venv $(INSTALL) requirements/dev.txt
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --no-build-isolation --editable layers/steward --editable cli
	@# What is editable is not compiled by the installer, and some environments never write bytecode.
	@.venv/bin/python -m compileall -q layers/steward/src cli/src
	@touch $@

.venv/sam/.ready: .venv/uv/.ready requirements/sam.txt
	@echo "setup: the SAM CLI"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv/sam
	@VIRTUAL_ENV=.venv/sam $(INSTALL) requirements/sam.txt
	@touch $@

.venv/cloud/.ready: .venv/uv/.ready requirements/cloud.txt
	@echo "setup: the local cloud"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv/cloud
	@VIRTUAL_ENV=.venv/cloud $(INSTALL) requirements/cloud.txt
	@touch $@

.venv/scan/.ready: .venv/uv/.ready requirements/scan.txt
	@echo "setup: the scanner (checkov)"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv/scan
	@VIRTUAL_ENV=.venv/scan $(INSTALL) requirements/scan.txt
	@touch $@

.PHONY: lock
lock: .venv/uv/.ready ## Compile every requirements file from its .in
	@for name in uv dev sam cloud scan; do \
	  (cd requirements && $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --custom-compile-command "make lock" $$name.in -o $$name.txt) || exit 1; done
	@cd layers/steward && $(UV) pip compile --quiet --python-version 3.13 --python-platform aarch64-manylinux_2_28 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" requirements.in -o requirements.txt

# What the layers are built with, and the rules that go into them: `make deploy RULES=/path/rules.yaml`.
RULES ?= layers/rules/rules.yaml
# SAM itself reads AWS_DEFAULT_REGION alone, unlike the AWS CLI and ecr-steward.
WITH_TOOLS = $(if $(AWS_REGION),AWS_DEFAULT_REGION="$(AWS_REGION)") PYTHON="$(CURDIR)/.venv/bin/python" RULES="$(abspath $(RULES))" SAM_CLI_TELEMETRY=0

.PHONY: build
build: setup ## Build the stack with RULES=… (default: layers/rules/rules.yaml)
	@.venv/bin/ecr-steward check "$(RULES)"
	@$(WITH_TOOLS) .venv/sam/bin/sam build

.PHONY: deploy
deploy: build ## Deploy to the AWS account of your credentials; asks before it changes anything
	@$(WITH_TOOLS) .venv/sam/bin/sam deploy $(ARGS) || { code=$$?; \
	  echo "deploy: docs/operate.md says what to do now, under \"A deploy that stopped half-way\"." >&2; exit $$code; }

.PHONY: demo
demo: setup ## The whole path on a local cloud: a story of pushes, shown live and checked
	@$(if $(filter-out file,$(origin RULES)),echo "The demo tells its story with rules of its own: make up RULES=$(RULES) takes yours." >&2; exit 2)
	@.venv/bin/python -m local demo

.PHONY: up
up: setup ## Start the local cloud with the stack, and print how to push to it
	@.venv/bin/python -m local up $(if $(filter-out file,$(origin RULES)),--rules "$(RULES)")

.PHONY: push
push: ## Push an image to it without Docker: make push IMAGE=base/redis:1.4.2
	@test -e .venv/.ready || { echo "Nothing is installed yet: make up, and then make push." >&2; exit 2; }
	@test -n "$$IMAGE" || { echo "make push IMAGE=REPOSITORY:TAG, such as IMAGE=base/redis:1.4.2" >&2; exit 2; }
	@.venv/bin/python -m local push "$$IMAGE" $(ARGS)

.PHONY: down
down: ## Stop the local cloud
	@test -e .venv/.ready || { echo "Nothing is installed yet, so nothing runs." >&2; exit 2; }
	@.venv/bin/python -m local down

.PHONY: test
test: setup lint ## Every level: unit, property, handlers, soak, integration, template, e2e
	@.venv/bin/python -m pytest --numprocesses 2 --dist loadgroup $(ARGS)

.PHONY: test-long
test-long: setup ## The property tests with 20,000 stories each instead of 160 or 960, for a release
	@HYPOTHESIS_PROFILE=release .venv/bin/python -m pytest --numprocesses 2 --show-capture no tests/property $(ARGS)

.PHONY: soak
soak: setup ## Thirty thousand pushes under faults and kills, judged; make soak ARGS="--seed 7"
	@.venv/bin/python -m tests.soak $(ARGS)

.PHONY: mutants
mutants: setup ## Change the code in 500 places, one at a time: do the tests notice? make mutants ARGS="--sample 20"
	@.venv/bin/python -m tests.mutants $(ARGS)

.PHONY: lint
lint: setup ## Style, types and the template's own rules
	@.venv/bin/ruff format --check --quiet . || { echo "make format fixes this" >&2; exit 1; }
	@.venv/bin/ruff check --quiet .
	@.venv/bin/mypy & types=$$!; \
	  .venv/bin/lint-imports --no-cache && .venv/bin/cfn-lint template.yaml workloads/template.yaml; rest=$$?; \
	  wait $$types && exit $$rest

.PHONY: scan
scan: setup .venv/scan/.ready ## Look for what is unsafe in the templates (checkov)
	@.venv/bin/python -m tests.scan

.PHONY: rights
rights: setup ## Take each right of each role away in turn: what fails? Writes docs/permissions.md
	@.venv/bin/python -m tests.rights

.PHONY: format
format: setup ## Fix the style
	@.venv/bin/ruff format --quiet . && .venv/bin/ruff check --fix --quiet .

.PHONY: tables
tables: setup ## Write the tables in the documentation that come from the code
	@.venv/bin/python -m tests.support.tables
	@.venv/bin/python -m tests.support.lifecycle_verdicts

.PHONY: pictures
pictures: setup ## Draw the pictures in docs/messages.md and docs/plan.md (needs node and chromium)
	@.venv/bin/python -m tests.support.messages
	@.venv/bin/python -m tests.support.plan_page docs/pictures
	@cd docs/pictures && npm install --no-package-lock --no-audit --no-fund --silent
	@node docs/pictures/draw.mjs tests/unit/messages/golden docs/pictures

.PHONY: bench
bench: setup ## What a push costs: one table, and bench-results.json
	@.venv/bin/python -m bench $(ARGS)

.PHONY: load
load: setup ## How late stable tags are at 1,000 to 100,000 pushes an hour; writes docs/limits.md
	@.venv/bin/python -m bench.load_page

.PHONY: clean
clean: ## Remove what was built and installed
	@rm -rf .venv .aws-sam .local-cloud* .pytest_cache .mypy_cache .ruff_cache .hypothesis bench-results.json
