"""Photos, folders, videos and camera frames are recognised in processes that cannot import PyTorch."""

import json
import subprocess
import sys

import pytest

from tests.conftest import PORTRAIT, ROOT

#: Packages that take seconds to import or are not part of a lean installation.
HEAVY = ("torch", "torchvision", "facenet_pytorch", "pandas", "matplotlib", "gradio", "onnx", "huggingface_hub")
#: Runs before the code under test: importing one of these raises.
BLOCK = f"import sys; sys.modules.update(dict.fromkeys({HEAVY!r}))\n"


def run(code: str, *arguments: object) -> str:
    command = [sys.executable, "-c", BLOCK + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def command(*arguments: object) -> str:
    return run("from mini_xception.cli import main; sys.exit(main(sys.argv[1:]))", *arguments)


def test_a_photo():
    printed = json.loads(command("predict", PORTRAIT, "--json"))
    assert [face["emotion"] for face in printed["faces"]] == ["happy"]


def test_explanations(tmp_path):
    command("predict", "examples/two_portraits.jpg", "--explain", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "two_portraits-face-1-neutral.png",
        "two_portraits-face-2-happy.png",
    ]


def test_a_folder_with_workers(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(PORTRAIT.read_bytes())
    # Workers are new processes, which import what they need themselves: they must not find torch either.
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BLOCK)
    done = subprocess.run(
        [sys.executable, "-m", "mini_xception", "predict", tmp_path, "--workers", "2", "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [face["emotion"] for line in lines for face in line["faces"]] == ["happy"] * 3


def test_a_video(tmp_path):
    printed = command("video", "examples/two_portraits.mp4", tmp_path / "annotated.mp4", "--csv", tmp_path / "rows.csv")
    assert "100 frames, 2 faces" in printed
    assert (tmp_path / "annotated.mp4").stat().st_size > 10_000


def test_the_network_is_loaded_on_first_use():
    code = f"""
from mini_xception import EmotionRecognizer
recognizer = EmotionRecognizer.from_pretrained()
before = recognizer({str(PORTRAIT)!r})[0].probabilities
for name in {HEAVY!r}:
    del sys.modules[name]
model = recognizer.model
after = EmotionRecognizer(model, engine="torch")({str(PORTRAIT)!r})[0].probabilities
print(type(model).__name__, max(abs(before[label] - after[label]) for label in before) < 1e-4)
"""
    assert run(code) == "MiniXception True\n"


def test_the_page_starts():
    code = """
del sys.modules["gradio"], sys.modules["huggingface_hub"], sys.modules["pandas"], sys.modules["matplotlib"]
from mini_xception import EmotionRecognizer
from mini_xception.demo.browser import browser_routes
from mini_xception.demo.page import build_page
recognizer = EmotionRecognizer.from_pretrained()
print(type(build_page(recognizer)).__name__, isinstance(browser_routes(recognizer.classifier), list))
"""
    assert run(code) == "Blocks True\n"


@pytest.mark.parametrize("code", ["from mini_xception import MiniXception", "from mini_xception.training import train"])
def test_what_needs_torch_says_so_in_one_line(code):
    attempt = f"""
try:
    {code}
except ModuleNotFoundError as error:
    print(error)
"""
    (line,) = run(attempt).splitlines()
    assert line.endswith("needs PyTorch; pip install torch")
