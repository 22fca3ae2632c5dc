# `make check` runs what CI runs, in the environment that `PYTHON` belongs to.
PYTHON ?= .venv/bin/python
SOURCES := textchem_core tests tokenizer dataset-sample benchmarks train.py generate.py evaluate.py prepare_data.py setup.py

.PHONY: check lint test format
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
