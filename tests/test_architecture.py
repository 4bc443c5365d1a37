"""The project's structure: rooms import downwards only, heavy imports are late, requirements and versions agree."""

import ast
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

PACKAGE = ROOT / "mini_xception"
#: The rooms, which are modules or packages, in the order of docs/architecture.md. A room imports only from itself and
#: from the rooms before it.
ROOMS = (
    *("_lazy", "errors", "boxes", "landmarks", "faces"),
    *("media", "checkpoint", "network", "detection", "tracking", "explain", "recognizer"),
    *("draw", "table", "interop", "bulk", "annotate", "export"),
    *("evaluation", "training"),
    *("demo", "cli", "__main__"),
)


def modules_of(path: Path) -> set[str]:
    """Return the package's own modules that a file imports, anywhere in it, as dotted names without the package."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.removeprefix("mini_xception.") for name in names if name.startswith("mini_xception.")}
    return found


def room_of(module: str) -> str:
    return module.split(".")[0]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


#: Rooms that offer public names, imported on first use.
OFFERING = ("media", "checkpoint", "network", "detection", "tracking", "evaluation", "training")
#: The package's own __init__ offers names of all rooms, and __main__ files are entry points.
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py" and path.stem != "__main__"]
MODULES = {module_name(path): modules_of(path) for path in FILES}


def test_every_room_has_its_place():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert rooms - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    for imported in MODULES[module] - {"__version__"}:
        if room_of(imported) in ROOMS:
            assert ROOMS.index(room_of(imported)) <= ROOMS.index(room_of(module)), f"{module} imports {imported}"


def test_no_import_cycle():
    """The imports within a room do not form a cycle either."""
    files = {
        module: {imported for imported in imports if imported in MODULES and imported != module}
        for module, imports in MODULES.items()
        if "." in module
    }
    # Ignore a room's __init__: it offers its modules' names, and imports of the modules do not depend on it.
    files = {module: {name for name in imports if name not in ROOMS} for module, imports in files.items()}
    try:
        TopologicalSorter(files).prepare()
    except CycleError as error:
        pytest.fail(f"imports form a cycle: {' → '.join(error.args[1])}")


@pytest.mark.parametrize("room", [room for room in ROOMS if (PACKAGE / room / "__init__.py").is_file()])
def test_a_room_says_what_it_is_for(room):
    docstring = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text()))
    assert docstring
    assert len(docstring.splitlines()) <= 4


@pytest.mark.parametrize("package", ["mini_xception", *(f"mini_xception.{room}" for room in OFFERING)])
def test_offered_names_exist(package):
    offered = import_module(package)
    for name in offered.__all__:
        assert getattr(offered, name) is not None
    assert set(offered.__all__) <= set(dir(offered))
    with pytest.raises(AttributeError):
        _ = offered.no_such_name


@pytest.mark.parametrize("statement", ["import mini_xception", "from mini_xception.cli import _parser; _parser([])"])
def test_heavy_imports_are_late(statement):
    heavy = ["torch", "numpy", "cv2", "PIL", "gradio", "huggingface_hub", "facenet_pytorch"]
    code = f"{statement}; import sys; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_the_recogniser_loads_without_the_page(tmp_path):
    code = "from mini_xception import EmotionRecognizer; import sys; print('gradio' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=tmp_path).strip() == "False"


def test_requirements_are_pyprojects():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    required = {line for line in lines if line and not line.startswith("#")}
    assert required == {*project["dependencies"], *project["optional-dependencies"]["app"]}


def test_versions_agree():
    import mini_xception

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" in project["dynamic"], "the version is in mini_xception/__init__.py alone"
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == mini_xception.__version__
    assert f"## [{mini_xception.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


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
