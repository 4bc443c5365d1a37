"""Copy the files of a Hugging Face Space to a folder, and check that they are complete.

    python scripts/space.py            # the web page with all tabs, a Gradio Space
    python scripts/space.py static     # the browser page alone, a static Space without a server

The script prints every file. Upload the folder with: hf upload OWNER/NAME build/space . --repo-type space
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
#: A Gradio Space's files: its configuration, its requirements, its entry point, the package, and the example images.
PARTS = ("README.md", "LICENSE", "requirements.txt", "packages.txt", "app.py", "mini_xception", "examples")
#: The browser page, built by `make web`.
PAGE = ROOT / "mini_xception" / "web"
#: Largest file, in bytes. The Hub requires LFS for larger files.
LARGEST_FILE = 10_000_000
REQUIRED_SETTINGS = {"title", "sdk", "sdk_version", "python_version", "app_file", "license"}
#: Settings of the static Space. The headers isolate the page from other origins. Browsers allow several threads in
#: WebAssembly only on isolated pages.
STATIC = {
    "sdk": "static",
    "app_file": "index.html",
    "custom_headers": {
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "cross-origin",
    },
}
#: Settings of both Spaces. Their values are in README.md.
SHARED_SETTINGS = ("title", "emoji", "colorFrom", "colorTo", "license", "short_description")


def lay_out_gradio(target: Path) -> None:
    """Copy the files of a Gradio Space. If the browser page was built, it is part of the package."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, target / part, ignore=shutil.ignore_patterns("__pycache__", "*.py[cod]"))
        else:
            shutil.copy2(ROOT / part, target / part)
    if not PAGE.is_dir():
        print(f"{PAGE}: not built, so the Space lacks the browser tab; run: make web", file=sys.stderr)


def lay_out_static(target: Path) -> None:
    """Copy the browser page, and write the README with the Space's configuration."""
    shutil.copytree(PAGE, target, dirs_exist_ok=True)
    shutil.copy2(ROOT / "LICENSE", target / "LICENSE")
    settings = metadata_load(ROOT / "README.md") or {}
    text = "Facial expression recognition in your browser. Images never leave your device.\n"
    (target / "README.md").write_text(text, encoding="utf-8")
    metadata_save(target / "README.md", {name: settings[name] for name in SHARED_SETTINGS} | STATIC)


def check_gradio(target: Path) -> None:
    """Exit with an error if a Gradio Space would not start from these files."""
    if missing := REQUIRED_SETTINGS - (metadata_load(target / "README.md") or {}).keys():
        sys.exit(f"README.md: the front matter lacks {', '.join(sorted(missing))}; add these settings")
    # Import from the folder, as the Space does, not from the installed package. -B writes no bytecode to the folder.
    code = (
        "import app, mini_xception.demo.page as page; page.build_page(page.EmotionRecognizer()); print(page.__file__)"
    )
    environment = {**os.environ, "PYTHONPATH": str(target)}
    ran = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=target, env=environment, capture_output=True, text=True
    )
    if ran.returncode or not Path(ran.stdout.strip()).is_relative_to(target.resolve()):
        sys.exit(f"{target}: app.py does not start from these files:\n{ran.stdout}{ran.stderr}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sdk", nargs="?", choices=("gradio", "static"), default="gradio", help="kind of Space")
    parser.add_argument(
        "--out", type=Path, help="new folder to write to (default: replace build/space or build/static-space)"
    )
    args = parser.parse_args()
    target = args.out or ROOT / "build" / ("space" if args.sdk == "gradio" else "static-space")
    if args.sdk == "static" and not PAGE.is_dir():
        sys.exit(f"{PAGE}: not built; run: make web")
    if args.out and target.exists():
        sys.exit(f"{target}: already exists; remove it, or choose another folder")
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
            sys.exit(f"{file}: larger than {LARGEST_FILE / 1e6:.0f} MB; remove it, or make it smaller")
        print(f"{size:>9,}  {file}")
    print(f"{len(files)} files in {target}; upload them with: hf upload OWNER/NAME {target} . --repo-type space")


if __name__ == "__main__":
    main()
