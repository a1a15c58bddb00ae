# ECR Steward. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.venv/sam/bin:$(PATH)

UV := .venv/uv/bin/uv
INSTALL := $(UV) pip sync --quiet --require-hashes --strict

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: setup
setup: .venv/.ready .venv/sam/.ready .venv/cloud/.ready ## Make .venv with everything, ecr-steward included

.venv/uv/.ready: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ECR Steward needs Python 3.11 or newer: make setup PYTHON=/path/to/python3.11")'
	@echo "setup: the installer (uv)"
	@$(PYTHON) -m venv .venv/uv
	@.venv/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/.ready: .venv/uv/.ready requirements/dev.txt layers/steward/pyproject.toml
	@echo "setup: the library, the command line and the test tools"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@VIRTUAL_ENV=.venv $(INSTALL) requirements/dev.txt
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --no-build-isolation --editable layers/steward
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

.PHONY: lock
lock: .venv/uv/.ready ## Compile every requirements file again from its .in
	@for name in uv dev sam cloud; do \
	  (cd requirements && ../$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --custom-compile-command "make lock" $$name.in -o $$name.txt) || exit 1; done
	@cd layers/steward && ../../$(UV) pip compile --quiet --python-version 3.13 --python-platform aarch64-manylinux_2_28 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" requirements.in -o requirements.txt
