# `make check` runs what CI runs, in the environment that `PYTHON` belongs to.
PYTHON ?= .venv/bin/python
SOURCES := textchem_core tests tokenizer dataset-sample benchmarks train.py generate.py evaluate.py prepare_data.py setup.py

.PHONY: check lint test format textchem-mini
check: lint test

lint:
	$(PYTHON) -m ruff format --check $(SOURCES)
	$(PYTHON) -m ruff check $(SOURCES)
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest

format:
	$(PYTHON) -m ruff format $(SOURCES)
	$(PYTHON) -m ruff check --fix $(SOURCES)

# The shipped model, from files to folder; interrupted, the same command goes on. Where the processor does not multiply in
# bfloat16 (no AVX-512 BF16, no AMX), FLAGS="--precision float32" is faster.
DATA ?= $(error DATA is not set: give make the folder with reactions/, captions/ and actions/)
MODEL ?= runs/textchem-mini/model
textchem-mini: data/mini data/mini-actions
	OMP_NUM_THREADS=1 $(PYTHON) -m torch.distributed.run --nproc_per_node 2 train.py \
		--config configs/textchem-mini.toml --device cpu --resume $(FLAGS)
	test -e $(MODEL)/model.safetensors || \
		$(PYTHON) -m textchem_core.export runs/textchem-mini/checkpoints/step-00008000 $(MODEL)

data/mini:
	$(PYTHON) prepare_data.py --config configs/textchem-mini-data.toml --data-dir $(DATA) --output $@ --report

data/mini-actions:
	$(PYTHON) prepare_data.py --sources "actions actions/actions.train.tsv split=train" \
		--data-dir $(DATA) --output $@
