# Every target does its own set-up, in .venv.
.DEFAULT_GOAL := help
.PHONY: help setup testnet test lint simulate soak bench clean
RUN := .venv/bin

help:  ## what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup:  ## .venv with everything for developers
	@scripts/setup.sh dev

testnet:  ## four real nodes and an observer replay real market days (about half a minute)
	@scripts/setup.sh runtime
	@$(RUN)/dcn testnet run $(ARGS)

test: lint  ## lint, types, import rules, and all tests with coverage
	$(RUN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term:skip-covered --cov-fail-under=90 $(ARGS)

lint: setup  ## ruff, mypy --strict, import-linter
	$(RUN)/ruff check
	$(RUN)/ruff format --check
	$(RUN)/mypy
	$(RUN)/lint-imports

simulate: setup  ## simulated networks of real cores, with faults, on fresh seeds
	$(RUN)/dcn simulate --seeds 20

soak: setup  ## hours of faults on real processes and in the simulator
	DCN_CHAOS_MEMBERS=7 DCN_FAULTS=60 DCN_KILLS=100 DCN_SIGNER_KILLS=30 DCN_LONG=1 $(RUN)/python -m pytest -v tests/e2e tests/cli/test_join.py
	$(RUN)/dcn simulate --seeds 2000

bench: setup  ## every speed the README claims
	$(RUN)/python benchmarks/throughput.py
	$(RUN)/python benchmarks/ledger.py
	$(RUN)/python benchmarks/sync.py
	$(RUN)/python benchmarks/netting.py --quick
	$(RUN)/python benchmarks/network.py
	$(RUN)/python benchmarks/observer.py

clean:  ## remove .venv, testnet and caches
	rm -rf .venv testnet build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
