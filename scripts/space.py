"""Lay out the files of a Hugging Face Space, and check that they are all it needs.

    python scripts/space.py            # the page with all tabs, on Gradio
    python scripts/space.py static     # the page of web/ alone, which reads in the visitor's browser: no server at all

Prints every file. The folder is uploaded with: hf upload OWNER/NAME build/space . --repo-type space
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from huggingface_hub import metadata_load, metadata_save

ROOT = Path(__file__).parents[1]
#: What a Gradio Space reads: its configuration, what to install, what to start, and what that imports and shows.
PARTS = ("README.md", "LICENSE", "requirements.txt", "packages.txt", "app.py", "mini_xception", "examples")
#: The page of web/, built.
PAGE = ROOT / "mini_xception" / "web"
#: The Hub keeps larger files in LFS; a Space of this size has none.
LARGEST_FILE = 10_000_000
REQUIRED_SETTINGS = {"title", "sdk", "sdk_version", "python_version", "app_file", "license"}
#: A static Space's settings, beside the name, colours and licence of the other. The headers isolate the page from other
#: sites' windows, for which browsers give its WebAssembly several threads.
STATIC = {
    "sdk": "static",
    "app_file": "index.html",
    "custom_headers": {
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "cross-origin",
    },
}
SHARED_SETTINGS = ("title", "emoji", "colorFrom", "colorTo", "license", "short_description")


def lay_out_gradio(target: Path) -> None:
    """Copy what a Gradio Space needs; the page of web/ is in the package, where it was built."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, target / part, ignore=shutil.ignore_patterns("__pycache__", "*.py[cod]"))
        else:
            shutil.copy2(ROOT / part, target / part)
    if not PAGE.is_dir():
        print("without the tab that reads in the visitor's browser: `make web` builds it", file=sys.stderr)


def lay_out_static(target: Path) -> None:
    """Copy the page of web/, and write the README that is a Space's configuration."""
    shutil.copytree(PAGE, target, dirs_exist_ok=True)
    shutil.copy2(ROOT / "LICENSE", target / "LICENSE")
    settings = metadata_load(ROOT / "README.md") or {}
    (target / "README.md").write_text("Facial expressions, read in the visitor's own browser: no picture leaves it.\n")
    metadata_save(target / "README.md", {name: settings[name] for name in SHARED_SETTINGS} | STATIC)


def check_gradio(target: Path) -> None:
    """Exit with a line that says what a Gradio Space would stumble over."""
    if missing := REQUIRED_SETTINGS - (metadata_load(target / "README.md") or {}).keys():
        sys.exit(f"README.md's front matter lacks {', '.join(sorted(missing))}")
    # Only what lies in the folder, as in the Space: not the package that is installed here. -B: it leaves no bytecode.
    code = (
        "import app, mini_xception.demo.page as page; page.build_page(page.EmotionRecognizer()); print(page.__file__)"
    )
    environment = {**os.environ, "PYTHONPATH": str(target)}
    ran = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=target, env=environment, capture_output=True, text=True
    )
    if ran.returncode or not Path(ran.stdout.strip()).is_relative_to(target.resolve()):
        sys.exit(f"app.py does not start from these files alone:\n{ran.stdout}{ran.stderr}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sdk", nargs="?", choices=("gradio", "static"), default="gradio", help="the Space's kind")
    parser.add_argument("--out", type=Path, help="a new folder (default: build/space or build/static-space, made anew)")
    args = parser.parse_args()
    target = args.out or ROOT / "build" / ("space" if args.sdk == "gradio" else "static-space")
    if args.sdk == "static" and not PAGE.is_dir():
        sys.exit("the page is not built: make web")
    if args.out and target.exists():
        sys.exit(f"{target} exists; remove it, or choose another folder")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    if args.sdk == "gradio":
        lay_out_gradio(target)
        check_gradio(target)
    else:
        lay_out_static(target)
    files = sorted(path.relative_to(target) for path in target.rglob("*") if path.is_file())
    for file in files:
        size = (target / file).stat().st_size
        if size > LARGEST_FILE:
            sys.exit(f"{file} is larger than {LARGEST_FILE / 1e6:.0f} MB")
        print(f"{size:>9,}  {file}")
    print(f"{len(files)} files in {target}; hf upload OWNER/NAME {target} . --repo-type space")


if __name__ == "__main__":
    main()
