# Tranship: `make demo` shows it, `make test` proves it; each does all of its own set-up. `make help` lists the rest.
# ARGS is handed on: make test ARGS="tests/core -x", make demo ARGS="--port 9000".

.DEFAULT_GOAL := help
.PHONY: help install demo test sim check format lint types imports bench soak shots docs lock clean distclean
ARGS ?=
SEEDS ?= 0:1000
BIN := .venv/bin

# Without .pyc files every start compiles numba again, which makes the program look twice as slow as it is.
unexport PYTHONDONTWRITEBYTECODE

help: ## list what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## set up .venv from the lock (the other targets do it by themselves)
	@sh tools/install.sh

demo: install ## the service, its networks, a stream of orders, and an outage, on this machine
	@$(BIN)/tranship demo $(ARGS)

test: install ## every test but the long ones; needs nothing outside this folder
	@$(BIN)/python -m tools.compile  # once, before two workers would each do it
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile $(ARGS)

sim: install ## 20,000 orders through worlds of failing networks: none twice, none lost, none oversold, no cap broken
	@$(BIN)/tranship sim --seeds $(SEEDS) --workers 2 --json $(ARGS)

check: lint types imports ## format, lint, types and import rules; changes nothing

lint: install
	@$(BIN)/ruff format --check --output-format concise . || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check --output-format concise .

types: install
	@$(BIN)/mypy src $(if $(wildcard benchmarks/*.py),benchmarks)

imports: install
	@$(BIN)/lint-imports --no-logo

format: install ## put files into the house's format and fix what can be fixed safely
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .

bench: install ## figures of docs/performance.md, short arms
	@$(BIN)/python -m benchmarks.split --limit 60 --json
	@$(BIN)/python -m benchmarks.intake --rounds 1 --seconds 2 --json
	@$(BIN)/python -m benchmarks.intake --hot 20000 --json
	@$(BIN)/python -m benchmarks.replay --lines 60000 --json
	@$(BIN)/python -m benchmarks.decide --orders 20000 --json
	@$(BIN)/python -m benchmarks.route --size S --seeds 0 --json
	@$(BIN)/python -m benchmarks.health --seeds 50 --days 0.25 --json
	@$(BIN)/python -m benchmarks.leak --quick --json
	@$(BIN)/python -m benchmarks.proxy --rounds 1 --seconds 1 --json

soak: install ## the long runs: hundreds of thousands of orders, many kills, wide fuzz (an hour or more)
	@TRANSHIP_SOAK=1 HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -q -m "" $(ARGS)
	@$(BIN)/python -m benchmarks.intake --hot 1000000 --json
	@$(BIN)/tranship sim --hours 4 --workers 2 --json

shots: install ## pictures of docs/images from a report (REPORT=path/to/report.html); needs chromium
	@sh tools/shots.sh $(REPORT)

docs: install ## check the documents: links, glossary, dependencies, changelog
	@$(BIN)/python -m pytest -q tests/test_tidy.py -k "docs" $(ARGS)

lock: ## write requirements.lock anew from pyproject.toml (needs uv; UPGRADE=1 takes newer versions)
	@sh tools/lock.sh

clean: ## remove caches and build leftovers; .venv and runs stay
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .numba_cache build dist src/*.egg-info
	@find src tests benchmarks tools -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove .venv as well
	@rm -rf .venv
