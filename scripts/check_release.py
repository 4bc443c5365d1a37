"""Check that a tag, the package's version, CHANGELOG.md and CITATION.cff describe the same release.

    python scripts/check_release.py v0.1.0

Needs only the standard library. The exit status is 1 if they disagree, with one line on stderr for each problem.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DATE = r"\d{4}-\d{2}-\d{2}"


def find_problems(tag: str, root: Path = ROOT) -> list[str]:
    """Compare a tag with the files of a checkout.

    Args:
        tag: "v" and a version.
        root: the checkout.

    Returns:
        One line for each problem, which names the file and the fix.
    """
    version = tag.removeprefix("v")
    problems = []
    if _search(r'^__version__ = "(.+)"$', root / "mini_xception" / "__init__.py") != version:
        problems.append(f"mini_xception/__init__.py: __version__ is not that of {tag}; change it, or the tag")
    date = _search(rf"^## \[{re.escape(version)}\] - ({DATE})$", root / "CHANGELOG.md")
    if date is None:
        problems.append(f'CHANGELOG.md: no dated section for {tag}; write "## [{version}] - YYYY-MM-DD"')
    if _search(rf"^\[({re.escape(version)})\]: https://\S+$", root / "CHANGELOG.md") is None:
        problems.append(f'CHANGELOG.md: no link for {tag}; write "[{version}]: https://…" at the end')
    if _search(r"^version: (.+)$", root / "CITATION.cff") != version:
        problems.append(f'CITATION.cff: the version is not that of {tag}; write "version: {version}"')
    released = _search(rf"^date-released: ({DATE})$", root / "CITATION.cff")
    if released is None or released != date:
        problems.append(f'CITATION.cff: not the date of CHANGELOG.md; write "date-released: {date or "YYYY-MM-DD"}"')
    return problems


def _search(pattern: str, path: Path) -> str | None:
    """Return the first match of the pattern's group in a file, line by line."""
    match = re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    return match and match[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tag", help='the release\'s tag, such as "v0.1.0"')
    problems = find_problems(parser.parse_args().tag)
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
