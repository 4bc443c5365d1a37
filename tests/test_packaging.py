"""The contents of the wheel and the sdist, their metadata, and the checks before a release."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from mini_xception import __version__
from scripts.check_release import find_problems
from tests.conftest import ROOT

PAGE = "mini_xception/web/index.html"
REPOSITORY = "https://github.com/mini-xception/mini_xception"
#: Where links, and where images of the README point to on the package index: the release's tag, not a branch.
LINKS = f"{REPOSITORY}/blob/v{__version__}/"
IMAGES = f"https://raw.githubusercontent.com/mini-xception/mini_xception/v{__version__}/"


@pytest.fixture
def checkout(tmp_path):
    """The package and the sources of the browser page, which is not built."""
    folder = tmp_path / "checkout"
    shutil.copytree(
        ROOT / "mini_xception", folder / "mini_xception", ignore=shutil.ignore_patterns("web", "__pycache__")
    )
    shutil.copytree(ROOT / "web", folder / "web", ignore=shutil.ignore_patterns("node_modules", "models"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy2(ROOT / name, folder)
    return folder


def build(folder: Path, kind: str) -> dict[str, bytes]:
    """The files in a distribution, by their paths."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder.parent / kind]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (path,) = (folder.parent / kind).iterdir()
    if kind == "wheel":
        with zipfile.ZipFile(path) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(path) as sdist:
        files = [member for member in sdist.getmembers() if member.isfile()]
        return {member.name.partition("/")[2]: sdist.extractfile(member).read() for member in files}


def metadata(files: dict[str, bytes]) -> Message:
    """The core metadata of a distribution."""
    (content,) = (data for name, data in files.items() if re.fullmatch(r"PKG-INFO|[^/]+\.dist-info/METADATA", name))
    return message_from_bytes(content)


def targets(markdown: str) -> list[str]:
    """What the links and images of a text point to, Markdown or HTML; code is skipped."""
    text = re.sub(r"^```.*?^```$|`[^`\n]+`", "", markdown, flags=re.DOTALL | re.MULTILINE)
    inline, reference, html = r"\]\(\s*([^)\s]+)", r"^\[[^\]]+\]:\s*(\S+)", r"\b(?:src|href|srcset)=[\"']?([^\"'\s>]+)"
    links = re.findall(f"{inline}|{reference}|{html}", text, re.MULTILINE)
    return ["".join(groups) for groups in links]


def test_the_built_page_is_included_and_its_sources_are_in_the_sdist(checkout):
    (checkout / PAGE).parent.mkdir()
    (checkout / PAGE).write_text("built")
    (checkout / "web" / "node_modules").mkdir()
    (checkout / "web" / "node_modules" / "package.js").write_text("not ours")
    wheel, sdist = build(checkout, "wheel"), build(checkout, "sdist")
    assert PAGE in wheel.keys() & sdist.keys()
    assert {"web/package-lock.json", "web/vite.config.ts", "web/src/protocol.ts"} <= sdist.keys()
    assert not any(name.startswith("web/") for name in wheel)
    assert not any("node_modules" in name for name in sdist)


def test_the_wheel_builds_without_the_page(checkout):
    names = build(checkout, "wheel")
    assert "mini_xception/demo/browser.py" in names
    assert not any(name.startswith("mini_xception/web/") for name in names)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_the_index_gets_the_readme_without_front_matter_and_with_absolute_links(checkout, kind):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, front_matter, body = readme.split("---\n", 2)
    assert "sdk: gradio" in front_matter

    shown = metadata(build(checkout, kind))
    assert shown["Description-Content-Type"] == "text/markdown"
    description = shown.get_payload(decode=True).decode()
    assert description.strip().startswith("# mini_xception\n")
    assert "sdk: gradio" not in description
    relative = [target for target in targets(description) if not target.startswith(("https://", "#"))]
    assert relative == []
    # Nothing but the links changed, and each leads to the file that it names in the repository.
    assert description.replace(LINKS, "").replace(IMAGES, "") == body
    files = [target for target in targets(body) if not target.startswith(("https://", "#"))]
    assert files
    for target in files:
        path = target.partition("#")[0]
        assert (ROOT / path).exists(), target
        is_image = path.endswith((".png", ".jpg", ".gif", ".svg", ".webp"))
        assert (IMAGES if is_image else LINKS) + target in targets(description)


def test_metadata(checkout):
    shown = metadata(build(checkout, "wheel"))
    assert shown["Version"] == __version__
    assert shown["License-Expression"] == "MIT"
    urls = dict(url.split(", ") for url in shown.get_all("Project-URL"))
    assert urls.keys() == {"Homepage", "Documentation", "Source", "Changelog", "Issues"}
    assert all(url.startswith(REPOSITORY) for url in urls.values())
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"repository-code: {urls['Source']}\n" in citation


@pytest.fixture
def released(tmp_path):
    """The files of version 1.2.3 that its release needs."""
    (tmp_path / "mini_xception").mkdir()
    (tmp_path / "mini_xception" / "__init__.py").write_text('"""Docstring."""\n\n__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-31\n\n"
        "[Unreleased]: https://example.org/compare\n[1.2.3]: https://example.org/tag\n"
    )
    (tmp_path / "CITATION.cff").write_text("cff-version: 1.2.0\nversion: 1.2.3\ndate-released: 2026-01-31\n")
    return tmp_path


def test_a_release_whose_files_agree(released):
    assert find_problems("v1.2.3", released) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("mini_xception/__init__.py", "1.2.3", "1.2.2", "__version__ does not match v1.2.3; change one of them"),
        ("CHANGELOG.md", "2026-01-31", "unreleased", 'no dated section for v1.2.3; write "## [1.2.3] - YYYY-MM-DD"'),
        ("CHANGELOG.md", "\n[1.2.3]:", "\n[1.2]:", 'no link for v1.2.3; write "[1.2.3]: https://…" at the end'),
        ("CITATION.cff", "n: 1.2.3", "n: 1.2.2", 'the version does not match v1.2.3; write "version: 1.2.3"'),
        ("CITATION.cff", "-31", "-30", 'the date does not match CHANGELOG.md; write "date-released: 2026-01-31"'),
        (
            "CITATION.cff",
            "date-released",
            "date",
            'the date does not match CHANGELOG.md; write "date-released: 2026-01-31"',
        ),
    ],
)
def test_a_release_whose_files_disagree(released, file, old, new, problem):
    text = (released / file).read_text()
    assert old in text
    (released / file).write_text(text.replace(old, new))
    assert f"{file}: {problem}" in find_problems("v1.2.3", released)


def test_a_wrong_tag_stops_the_release():
    command = [sys.executable, ROOT / "scripts" / "check_release.py", "v0.0.0"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "mini_xception/__init__.py: __version__ does not match v0.0.0" in result.stderr
