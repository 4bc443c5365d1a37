"""Lay out the files of a Hugging Face Space, and check that they are all it needs.

    python scripts/space.py [--out build/space]

Prints every file. The folder is uploaded with: hf upload OWNER/NAME build/space . --repo-type space
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: What a Gradio Space reads: its configuration, what to install, what to start, and what that imports and shows.
PARTS = ("README.md", "LICENSE", "requirements.txt", "packages.txt", "app.py", "mini_xception", "examples")
#: The Hub keeps larger files in LFS; a Space of this size has none.
LARGEST_FILE = 10_000_000
REQUIRED_SETTINGS = {"title", "sdk", "sdk_version", "python_version", "app_file", "license"}


def lay_out(target: Path) -> list[Path]:
    """Copy the Space's files into a new folder and return them, relative to it."""
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, target / part, ignore=shutil.ignore_patterns("__pycache__", "*.py[cod]"))
        else:
            shutil.copy2(ROOT / part, target / part)
    return sorted(path.relative_to(target) for path in target.rglob("*") if path.is_file())


def check(target: Path, files: list[Path]) -> None:
    """Exit with a line that says what a Space would stumble over."""
    _, front_matter, _ = (target / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    settings = {line.split(":")[0] for line in front_matter.splitlines()}
    if missing := REQUIRED_SETTINGS - settings:
        sys.exit(f"README.md's front matter lacks {', '.join(sorted(missing))}")
    for file in files:
        if (target / file).stat().st_size > LARGEST_FILE:
            sys.exit(f"{file} is larger than {LARGEST_FILE / 1e6:.0f} MB")
    # Only what lies in the folder, as in the Space: not the package that is installed here.
    code = (
        "import app, mini_xception.demo.page as page; page.build_page(page.EmotionRecognizer()); print(page.__file__)"
    )
    environment = {**os.environ, "PYTHONPATH": str(target)}
    ran = subprocess.run([sys.executable, "-c", code], cwd=target, env=environment, capture_output=True, text=True)
    if ran.returncode or not Path(ran.stdout.strip()).is_relative_to(target.resolve()):
        sys.exit(f"app.py does not start from these files alone:\n{ran.stdout}{ran.stderr}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "space", help="the folder, made anew")
    args = parser.parse_args()
    files = lay_out(args.out)
    check(args.out, files)
    for file in files:
        print(f"{(args.out / file).stat().st_size:>9,}  {file}")
    print(f"{len(files)} files in {args.out}; hf upload OWNER/NAME {args.out} . --repo-type space")


if __name__ == "__main__":
    main()
