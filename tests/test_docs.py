"""The documentation agrees with the code: names, signatures, options, commands, tables, links and code blocks."""

import ast
import dataclasses
import inspect
import io
import re
import shlex
import textwrap
import tokenize
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import mini_xception
from mini_xception.cli import _parser
from mini_xception.network.engines import ENGINE_NAMES
from mini_xception.table import COLUMNS
from mini_xception.training.augment import AUGMENTATIONS, PRESETS
from mini_xception.training.degrade import Degradation
from tests.conftest import ROOT
from tests.test_architecture import ROOMS

DOCS = ROOT / "docs"
API = DOCS / "api.md"
FOLDERS = (ROOT / name for name in ("docs", "examples", "mini_xception", "recipes", "benchmarks", ".github"))
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in folder.rglob("*.md"))])
#: The pages' names in the ids of tests.
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page in one language, in their order."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [textwrap.dedent(code) for name, code in found if name == language]


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def cells(page: Path, heading: str) -> list[list[str]]:
    """Return the rows of the first table behind a heading, without its head."""
    section = page.read_text(encoding="utf-8").partition(f"\n{heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table, heading
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]]


# Names and signatures of docs/api.md. A heading names the object, and the first block below it is a stub.

STUB = re.compile(
    r"^###+ `(mini_xception[\w.]*)`\n(?:(?!#|```)[^\n]*\n)*```python\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
STUBS = dict(STUB.findall(API.read_text(encoding="utf-8")))


def resolve(name: str) -> Any:
    """Return the object with a dotted name."""
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def normal(annotation: object) -> str | None:
    """Write an annotation in one style."""
    if annotation is inspect.Parameter.empty:
        return None
    tree = ast.parse(annotation if isinstance(annotation, str) else inspect.formatannotation(annotation), mode="eval")
    if isinstance(tree.body, ast.Subscript) and ast.unparse(tree.body.value) == "Annotated":
        tree.body = tree.body.slice.elts[0]
    return ast.unparse(tree)


def signature_of(function: Callable[..., Any]) -> tuple[Any, ...]:
    """Return parameters and result of a function, in a form that can be compared."""
    signature = inspect.signature(function)
    parameters = [(p.name, p.kind.name, normal(p.annotation), p.default) for p in signature.parameters.values()]
    return parameters, normal(signature.return_annotation)


def compare_function(stub: ast.FunctionDef, actual: Any) -> None:
    if isinstance(actual, classmethod):
        actual = actual.__func__
    if isinstance(actual, property):
        assert ast.unparse(stub.decorator_list[0]) == "property"
        actual = actual.fget
    stub.decorator_list.clear()
    names = vars(mini_xception) | vars(inspect.getmodule(actual))
    exec(f"from __future__ import annotations\n{ast.unparse(stub)}", names)
    assert signature_of(names[stub.name]) == signature_of(actual), stub.name


def compare_class(stub: ast.ClassDef, actual: type) -> None:
    fields = [entry for entry in stub.body if isinstance(entry, ast.AnnAssign)]
    documented = [(ast.unparse(field.target), ast.unparse(field.annotation)) for field in fields]
    if dataclasses.is_dataclass(actual):
        expected = dataclasses.fields(actual)
        assert documented == [(field.name, normal(field.type)) for field in expected]
        defaults = [ast.literal_eval(field.value) if field.value else dataclasses.MISSING for field in fields]
        assert defaults == [field.default for field in expected]
    for entry in stub.body:
        if isinstance(entry, ast.FunctionDef):
            compare_function(entry, inspect.getattr_static(actual, entry.name, None) or getattr(actual, entry.name))


@pytest.mark.parametrize("name", STUBS)
def test_documented_signatures_are_the_codes(name):
    actual = resolve(name)
    (stub,) = ast.parse(STUBS[name]).body
    match stub:
        case ast.FunctionDef():
            assert stub.name == name.rpartition(".")[2]
            compare_function(stub, actual)
        case ast.ClassDef():
            assert stub.name == name.rpartition(".")[2]
            compare_class(stub, actual)
        case ast.AnnAssign():
            assert ast.literal_eval(stub.value) == actual
        case _:
            pytest.fail(f"{name}: the first block must be a stub, not {ast.unparse(stub)}")


def test_every_public_name_is_documented():
    assert set(mini_xception.__all__) <= {name.rpartition(".")[2] for name in STUBS}


@pytest.mark.parametrize("room", [room for room in ROOMS if (ROOT / "mini_xception" / room / "__init__.py").is_file()])
def test_every_name_that_a_room_offers_is_on_the_page(room):
    offered = getattr(import_module(f"mini_xception.{room}"), "__all__", [])
    words = set(re.findall(r"\w+", API.read_text(encoding="utf-8")))
    assert [name for name in offered if name not in words] == []


# Code blocks.


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda page: page.name)
def test_python_blocks_compile(page):
    for code in blocks(page, "python"):
        compile(code, str(page), "exec")


def test_the_readmes_python_runs(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    for code in blocks(ROOT / "README.md", "python"):
        exec(compile(code, "README.md", "exec"), names)
    assert names["probabilities"].shape == (2, 7)
    assert tuple(names["logits"].shape) == (2, 7)
    printed = capsys.readouterr().out
    assert printed.startswith("Face(neutral ")
    assert "face 2: neutral" in printed


def without_comments(code: str) -> list[list[str]]:
    """Return the words of each line; both Python and the shell begin a comment with ``#``."""
    if code.startswith(("from ", "for ", "import ")) or " = " in code:
        tokens = tokenize.generate_tokens(io.StringIO(code).readline)
        return [[token.string for token in tokens if token.type != tokenize.COMMENT]]
    return [shlex.split(line, comments=True) for line in code.splitlines()]


def test_the_chinese_readme_has_the_same_code_figures_and_links():
    english, chinese = (ROOT / "README.md", ROOT / "README.zh.md")
    for language in ("bash", "python", ""):
        ours, theirs = ([without_comments(code) for code in blocks(page, language)] for page in (english, chinese))
        assert ours == theirs

    def links(page: Path) -> set[str]:
        return {target for target in targets(page) if not target.startswith(("#", "README"))}

    def figures(page: Path) -> set[str]:
        text = prose(page).partition("# mini_xception\n")[2].replace("8600 万", "86 M")
        return set(re.findall(r"(?<![\w.])\d[\d.,]*\d(?![\w.])", text))

    assert links(english) == links(chinese)
    assert figures(english) == figures(chinese)


# Commands.


def command_lines(page: Path) -> list[list[str]]:
    """Return the words of every command in a page's shell blocks."""
    commands: list[list[str]] = []
    for line in "\n".join(blocks(page, "bash")).replace("\\\n", " ").splitlines():
        commands.append([])
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        for word in words:
            if set(word) <= set("&|;<>"):
                commands.append([])
            else:
                commands[-1].append(word)
    return commands


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_exist_with_their_options(page):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for words in command_lines(page):
        match words:
            case ["mini-xception", *arguments]:
                _parser(arguments).parse_args(arguments)
            case ["make", target, *_] if target.isidentifier():
                assert target in targets
            case ["python", "-m", module, *_] if module.split(".")[0] in ("benchmarks", "recipes", "scripts"):
                assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
            case ["python", script, *_] if script.endswith(".py"):
                assert (ROOT / script).is_file()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_options_in_the_text_exist(page):
    for code in re.findall(r"`mini-xception ([^`]+)`", prose(page)):
        arguments = code.split()
        (command,) = _parser(arguments)._subparsers._group_actions
        if arguments[0] in command.choices:
            known = command.choices[arguments[0]]._option_string_actions
            assert [word for word in arguments if word.startswith("--") and word not in {*known, "--help"}] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_extras_exist(page):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"(?:'\.|mini-xception)\[([\w,-]+)\]", page.read_text(encoding="utf-8"))
    extras = {extra for names in named for extra in names.split(",")}
    assert extras <= set(project["optional-dependencies"])


# Tables.


def test_the_tables_columns():
    named = re.findall(r"`(\w+)`", " ".join(row[0] for row in cells(DOCS / "video.md", "## The table")))
    assert tuple(named) == COLUMNS


def test_the_engines():
    rows = cells(DOCS / "performance.md", "## Choose an engine")
    assert [re.findall(r"`([\w-]+)`", row[0])[0] for row in rows] == list(ENGINE_NAMES)


def test_the_rooms_and_their_order():
    rooms = [row[0].strip("`/") for row in cells(DOCS / "architecture.md", "## The rooms")]
    assert rooms == [room for room in ROOMS if not room.startswith("_")]


def test_the_augmentation_presets():
    def number(cell: str) -> float:
        return float(re.sub("[^0-9.]", "", cell) or 0)

    degradations = {row[0].strip("`"): number(row[1]) for row in cells(DOCS / "training.md", "### Degradations")}
    assert list(degradations) == [name for name, entry in AUGMENTATIONS.items() if issubclass(entry.kind, Degradation)]
    others = [name for name in AUGMENTATIONS if name not in degradations]
    for row in cells(DOCS / "training.md", "## Augmentation"):
        preset = PRESETS[row[0].strip("`")]
        assert [number(cell) for cell in row[1:9]] == [preset.get(name, 0) for name in others]
        assert {name: preset[name] for name in degradations if name in preset} in ({}, degradations)


# Links.


def targets(page: Path) -> list[str]:
    """Return what the links and images of a page point to."""
    text = re.sub(r"`[^`\n]+`", "", prose(page))
    return re.findall(r"\]\(\s*([^)\s]+)", text)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_and_images_exist(page):
    for target in targets(page):
        if target.startswith(("https:", "http:", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.is_relative_to(DOCS) or page.parent == ROOT], ids=lambda page: page.name
)
def test_named_files_exist(page):
    folders = "tests|recipes|docs|examples|benchmarks|scripts|web/src"
    for path in re.findall(rf"`((?:{folders})/[\w./*-]+)`", prose(page)):
        assert list(ROOT.glob(path)), path
