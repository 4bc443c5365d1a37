# Everything happens in .venv; PYTHON is the interpreter that makes it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast lint format bench space screenshots clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(INSTALLED) libgl ## serve the web page on http://127.0.0.1:7860
	$(BIN)/python app.py

test: $(INSTALLED) libgl chromium ## lint, type-check and run every test
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

test-fast: $(INSTALLED) libgl ## run the tests that take seconds
	$(BIN)/python -m pytest -x -m "not browser and not slow"

lint: $(INSTALLED) ## lint and type-check
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: $(INSTALLED) ## format and fix what can be fixed
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: $(INSTALLED) libgl ## measure the speed beside what else one might use
	$(BIN)/python -m benchmarks.speed

space: $(INSTALLED) libgl ## lay out the files of a Hugging Face Space in build/space, and check them
	$(BIN)/python scripts/space.py

screenshots: $(INSTALLED) libgl chromium ## take the README's pictures of the page anew
	$(BIN)/python scripts/screenshots.py

clean: ## remove the environment and all caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mini_xception needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[app,convert,openvino,train,test,dev]'
	touch $@

# What Debian has to bring, where this runs as root on Debian; elsewhere opencv-python says that it needs libGL.so.1,
# and the browser tests skip and say why.
.PHONY: libgl chromium
libgl:
	@ldconfig -p 2>/dev/null | grep -q libGL.so.1 || $(call apt-install,libgl1)
chromium:
	@command -v chromium >/dev/null || $(call apt-install,chromium)

define apt-install
if [ "$$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then \
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null; fi
endef
