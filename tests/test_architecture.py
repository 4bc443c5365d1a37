"""The shape of the project: imports point down, heavy ones are late, requirements agree."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

PACKAGE = ROOT / "mini_xception"
LEVELS = {
    0: {"errors", "faces", "images", "augment", "devices", "files"},
    1: {
        "preprocess",
        "engines",
        "mtcnn",
        "mtcnn_networks",
        "detectors",
        "finder",
        "tracking",
        "stream",
        "draw",
        "data",
        "video",
        "mp4",
    },
    2: {"model", "metrics", "hub", "card", "publish"},
    3: {"export", "recognizer", "bulk", "annotate", "train", "convert", "plots"},
    4: {"demo", "cli", "__main__"},
}
LEVEL_OF = {module: level for level, modules in LEVELS.items() for module in modules}


def imports(path: Path) -> set[str]:
    """The package's own modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "mini_xception":
                names = [f"mini_xception.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("mini_xception.")}
    return found & set(LEVEL_OF)


def module_of(path: Path) -> str:
    """The module or sub-package; ``__main__`` files are entry points, wherever they are."""
    return "__main__" if path.name == "__main__.py" else path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if module_of(path) != "__init__"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    module = module_of(path)
    for imported in imports(path) - {module}:
        assert LEVEL_OF[imported] <= LEVEL_OF[module], f"{module} imports {imported}, which stands above it"


def test_no_circle():
    graph = {module: set() for module in LEVEL_OF}
    for path in FILES:
        graph[module_of(path)] |= imports(path) - {module_of(path)}
    done: set[str] = set()
    while len(done) < len(graph):
        ready = {module for module in graph if module not in done and graph[module] <= done}
        assert ready, f"a circle among {sorted(set(graph) - done)}"
        done |= ready


@pytest.mark.parametrize("statement", ["import mini_xception", "from mini_xception.cli import _parser; _parser([])"])
def test_heavy_imports_are_late(statement):
    heavy = ["torch", "numpy", "cv2", "PIL", "gradio", "huggingface_hub", "facenet_pytorch"]
    code = f"{statement}; import sys; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_the_recogniser_loads_without_the_page(tmp_path):
    code = "from mini_xception import EmotionRecognizer; import sys; print('gradio' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=tmp_path).strip() == "False"


def test_public_names_exist():
    import mini_xception

    for name in mini_xception.__all__:
        assert getattr(mini_xception, name) is not None
    with pytest.raises(AttributeError):
        _ = mini_xception.no_such_name


def test_requirements_are_pyprojects():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    required = {line for line in lines if line and not line.startswith("#")}
    assert required == {*project["dependencies"], *project["optional-dependencies"]["app"]}


def test_versions_agree():
    import mini_xception

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["version"] == mini_xception.__version__ == citation["version"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_space_starts_the_app():
    _, front_matter, _ = (ROOT / "README.md").read_text().split("---\n", 2)
    space = yaml.safe_load(front_matter)
    assert space["sdk"] == "gradio"
    assert (ROOT / space["app_file"]).is_file()
    assert str(space["python_version"]) >= "3.11"
    assert (ROOT / "packages.txt").read_text().split() == ["libgl1"]


def test_no_file_grows_past_reading():
    for path in [
        *ROOT.glob("*.py"),
        *PACKAGE.rglob("*.py"),
        *(ROOT / "recipes").glob("*.py"),
        *(ROOT / "scripts").glob("*.py"),
        *(ROOT / "web" / "src").rglob("*.ts"),
    ]:
        assert len(path.read_text().splitlines()) <= 300, path
