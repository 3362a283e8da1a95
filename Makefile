# Needs Python 3.11 and make. Everything else is installed below .venv and the user's cache.
.DEFAULT_GOAL := help
STACK ?= dev
AGAINST ?= HEAD
PYTHON ?= python3
JOBS ?= 2
KILLS ?= 200
FILES ?= 5000
BIN := .venv/bin
# Values as they are written, for the shell to read from variables: in a command they would be read as a part of it.
override STACK := $(value STACK)
override AGAINST := $(value AGAINST)
export STACK AGAINST
READY := .venv/.ready

.PHONY: help setup sandbox preview diff sandbox-down status test check scan docs pictures format record-states lock bench bench-page kills fuzz

help: ## Show this help.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  \033[36m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Install the pinned tools and both distributions into .venv.

$(READY): requirements/dev.txt components/pyproject.toml sandbox/pyproject.toml scripts/install.sh $(wildcard .venv/pyvenv.cfg)
	@PYTHON=$(PYTHON) scripts/install.sh

sandbox: $(READY) ## Bring STACK up on real Kubernetes with a simulated cloud; CONTROLLERS=1 runs the real cert-manager.
	@$(BIN)/llmplatform sandbox up "$$STACK" $(if $(CONTROLLERS),--controllers)

diff: $(READY) ## Show what the working tree changes in STACK as the revision AGAINST has it.
	@$(BIN)/llmplatform sandbox diff "$$STACK" --against "$$AGAINST"

preview: $(READY) ## Show what STACK would create, with no credentials and no network.
	@$(BIN)/llmplatform sandbox preview "$$STACK"

status: $(READY) ## Show nodes and pods of the sandbox, and why a pod waits.
	@$(BIN)/llmplatform sandbox status "$$STACK"

sandbox-down: $(READY) ## Destroy STACK in the sandbox and check that nothing is left.
	@$(BIN)/llmplatform sandbox down "$$STACK"

test: $(READY) ## Run all tests, JOBS files at a time. The first time downloads or builds the sandbox's tools.
	@$(BIN)/llmplatform sandbox tools --controllers
	@$(BIN)/pytest -n $(JOBS) --dist loadfile

kills: $(READY) ## Kill sandboxes at KILLS random moments and check that each recovers; again to go on.
	@$(BIN)/python -m benchmarks.kills --kills $(KILLS) --jobs $(JOBS)

fuzz: $(READY) ## Judge FILES stack files made at random, and count what becomes of them.
	@PYTHONPATH=tests $(BIN)/python -m support.stack_fuzz --files $(FILES)

bench: $(READY) ## Measure stacks of up to 1,000 models beside raw registrations, again to go on; BENCH=--quick for minutes.
	@$(BIN)/python -m benchmarks run $(BENCH)

bench-page: $(READY) ## Write what make bench and make kills have measured into docs.
	@$(BIN)/python -m benchmarks page

check: $(READY) ## Check format, lint, types, layers and the settings' schema.
	@scripts/check.sh

scan: $(READY) .venv-scan/.ready ## Run checkov and kube-linter over every object of the stacks.
	@PYTHONPATH=tests $(BIN)/python scripts/scan.py

.venv-scan/.ready: requirements/scan.txt scripts/install_scan.sh
	@PYTHON=$(PYTHON) scripts/install_scan.sh

docs: $(READY) ## Write docs/reference anew from the code.
	@$(BIN)/python scripts/capabilities.py && $(BIN)/python scripts/reference.py && PYTHONPATH=tests $(BIN)/python scripts/stacks_reference.py

pictures: $(READY) ## Draw docs/pictures anew, from runs in the sandbox.
	@$(BIN)/python scripts/pictures.py

format: $(READY) ## Format the code.
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

record-states: $(READY) ## Record the stacks' states for the version of the library; see tests/upgrades.
	@$(BIN)/python scripts/record_states.py

lock: ## Compile the pinned requirements anew.
	@scripts/lock.sh

