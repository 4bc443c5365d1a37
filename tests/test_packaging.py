"""What a wheel and a source distribution carry."""

import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests.conftest import ROOT

PAGE = "mini_xception/web/index.html"


@pytest.fixture
def checkout(tmp_path):
    """The package and the page's sources, nothing built."""
    folder = tmp_path / "checkout"
    shutil.copytree(
        ROOT / "mini_xception", folder / "mini_xception", ignore=shutil.ignore_patterns("web", "__pycache__")
    )
    shutil.copytree(ROOT / "web", folder / "web", ignore=shutil.ignore_patterns("node_modules", "models"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy2(ROOT / name, folder)
    return folder


def build(folder, kind: str) -> set[str]:
    """The files in a distribution."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder.parent / kind]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (path,) = (folder.parent / kind).iterdir()
    if kind == "wheel":
        return set(zipfile.ZipFile(path).namelist())
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_the_built_page_is_carried_and_its_sources_are_in_the_sdist(checkout):
    (checkout / PAGE).parent.mkdir()
    (checkout / PAGE).write_text("built")
    (checkout / "web" / "node_modules").mkdir()
    (checkout / "web" / "node_modules" / "package.js").write_text("not ours")
    wheel, sdist = build(checkout, "wheel"), build(checkout, "sdist")
    assert PAGE in wheel & sdist
    assert {"web/package-lock.json", "web/vite.config.ts", "web/src/protocol.ts"} <= sdist
    assert not any(name.startswith("web/") for name in wheel)
    assert not any("node_modules" in name for name in sdist)


def test_without_the_built_page_there_is_a_wheel_all_the_same(checkout):
    names = build(checkout, "wheel")
    assert "mini_xception/demo/browser.py" in names
    assert not any(name.startswith("mini_xception/web/") for name in names)
