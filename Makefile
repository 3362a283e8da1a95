# Needs Python 3.11 and make. Everything else is installed below .venv and the user's cache.
.DEFAULT_GOAL := help
STACK ?= dev
AGAINST ?= HEAD
PYTHON ?= python3
JOBS ?= 2
KILLS ?= 200
FILES ?= 5000
BIN := .venv/bin
# The shell reads these values from variables: inside a command it would interpret them.
override STACK := $(value STACK)
override AGAINST := $(value AGAINST)
override NAME := $(value NAME)
override KIND := $(value KIND)
export STACK AGAINST NAME KIND
# Each of the many processes would compile the project's modules anew.
unexport PYTHONDONTWRITEBYTECODE
READY := .venv/.ready

.PHONY: help setup sandbox preview diff sandbox-down status test controllers check scan docs pictures dashboard-pictures format capability record-states lock bench bench-page kills fuzz

help: ## Show this help.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  \033[36m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Install the pinned tools and both distributions into .venv.

$(READY): requirements/dev.txt components/pyproject.toml sandbox/pyproject.toml scripts/install.sh $(wildcard .venv/pyvenv.cfg)
	@PYTHON=$(PYTHON) scripts/install.sh

sandbox: $(READY) ## Bring STACK up on real Kubernetes with a simulated cloud; CONTROLLERS=cert-manager,keda runs these real controllers.
	@$(BIN)/llmplatform sandbox up "$$STACK" $(if $(CONTROLLERS),--controllers $(CONTROLLERS))

diff: $(READY) ## Show what the working tree changes in STACK of the revision AGAINST.
	@$(BIN)/llmplatform sandbox diff "$$STACK" --against "$$AGAINST"

preview: $(READY) ## Show what STACK would create, with no credentials and no network.
	@$(BIN)/llmplatform sandbox preview "$$STACK"

status: $(READY) ## Show nodes and pods of the sandbox, and why a pod waits.
	@$(BIN)/llmplatform sandbox status "$$STACK"

sandbox-down: $(READY) ## Destroy STACK in the sandbox and check that nothing is left.
	@$(BIN)/llmplatform sandbox down "$$STACK"

test: $(READY) ## Run all tests, JOBS files at a time. The first time downloads or builds the sandbox's tools.
	@$(BIN)/llmplatform sandbox tools --controllers cert-manager
	@$(BIN)/pytest -n $(JOBS) --dist loadfile

controllers: $(READY) ## Build the real KEDA and cert-manager, once and for long, and test the sandbox with them.
	@$(BIN)/llmplatform sandbox tools --controllers keda,cert-manager
	@$(BIN)/pytest -n 0 tests/sandbox/test_real_controllers.py tests/sandbox/test_real_keda.py

kills: $(READY) ## Kill sandboxes at KILLS random moments and check that each recovers; run again to continue.
	@$(BIN)/python -m benchmarks.kills --kills $(KILLS) --jobs $(JOBS)

fuzz: $(READY) ## Check FILES random stack files, and count the results.
	@PYTHONPATH=tests $(BIN)/python -m support.stack_fuzz --files $(FILES)

bench: $(READY) ## Measure stacks of up to 1,000 models beside raw registrations; run again to continue; BENCH=--quick for minutes.
	@$(BIN)/python -m benchmarks run $(BENCH)

bench-page: $(READY) ## Write the results of make bench and make kills into docs.
	@$(BIN)/python -m benchmarks page

check: $(READY) ## Check format, lint, types, layers, words and the settings' schema.
	@scripts/check.sh

scan: $(READY) .venv-scan/.ready ## Run checkov and kube-linter over every object of the stacks.
	@PYTHONPATH=tests $(BIN)/python scripts/scan.py

.venv-scan/.ready: requirements/scan.txt scripts/install_scan.sh
	@PYTHON=$(PYTHON) scripts/install_scan.sh

docs: $(READY) ## Write docs/reference and the dashboards from the code.
	@$(BIN)/python scripts/capabilities.py && $(BIN)/python -m dashboards && $(BIN)/python scripts/reference.py && PYTHONPATH=tests $(BIN)/python scripts/stacks_reference.py

pictures: $(READY) ## Draw docs/pictures from runs in the sandbox.
	@$(BIN)/python scripts/pictures.py

dashboard-pictures: $(READY) ## Draw docs/pictures of dashboards from queries in a real Prometheus.
	@PYTHONPATH=tests $(BIN)/python scripts/dashboard_pictures.py

format: $(READY) ## Format the code.
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

capability: $(READY) ## Write the files of a new capability: NAME=demo KIND=addon|service|job.
	@scripts/new_capability.py "$$NAME" --kind "$$KIND"

record-states: $(READY) ## Record the stacks' states for the version of the library; see tests/upgrades.
	@$(BIN)/python scripts/record_states.py

lock: ## Compile the pinned requirements.
	@scripts/lock.sh

