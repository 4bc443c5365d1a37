"""Check that a tag, the package's version, CHANGELOG.md and CITATION.cff describe the same release.

    python scripts/check_release.py v0.1.0

If the tag and the files disagree, the exit status is 1, and stderr has one line per problem. The script needs only the
standard library.
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
        tag: "v" followed by a version.
        root: the root of the checkout.

    Returns:
        One line for each problem. The line names the file and the fix.
    """
    version = tag.removeprefix("v")
    problems = []
    if _search(r'^__version__ = "(.+)"$', root / "mini_xception" / "__init__.py") != version:
        problems.append(f"mini_xception/__init__.py: __version__ does not match {tag}; change one of them")
    date = _search(rf"^## \[{re.escape(version)}\] - ({DATE})$", root / "CHANGELOG.md")
    if date is None:
        problems.append(f'CHANGELOG.md: no dated section for {tag}; write "## [{version}] - YYYY-MM-DD"')
    if _search(rf"^\[({re.escape(version)})\]: https://\S+$", root / "CHANGELOG.md") is None:
        problems.append(f'CHANGELOG.md: no link for {tag}; write "[{version}]: https://…" at the end')
    if _search(r"^version: (.+)$", root / "CITATION.cff") != version:
        problems.append(f'CITATION.cff: the version does not match {tag}; write "version: {version}"')
    released = _search(rf"^date-released: ({DATE})$", root / "CITATION.cff")
    if released is None or released != date:
        problems.append(
            f'CITATION.cff: the date does not match CHANGELOG.md; write "date-released: {date or "YYYY-MM-DD"}"'
        )
    return problems


def _search(pattern: str, path: Path) -> str | None:
    """Return the group in the first match of a pattern in a file. "^" and "$" match at the ends of each line."""
    match = re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    return match and match[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tag", help='tag of the release, such as "v0.1.0"')
    problems = find_problems(parser.parse_args().tag)
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
