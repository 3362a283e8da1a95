"""Writes docs/reference from the code; with --check only names stale pages."""

import argparse
import sys
from pathlib import Path

import assumptions_reference
import checks_reference
import components_reference
import engines_reference
import settings_reference
import starts_reference
import testing_reference

FOLDER = Path(__file__).parents[1] / "docs/reference"
PAGES = {
    "settings.md": settings_reference.text,
    "components.md": components_reference.text,
    "engines.md": engines_reference.text,
    "starts.md": starts_reference.text,
    "assumptions.md": assumptions_reference.text,
    "checks.md": checks_reference.text,
    "testing.md": testing_reference.text,
}


def main() -> int:
    """Writes the pages, or compares them."""
    parser = argparse.ArgumentParser(description="Write docs/reference from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is stale")
    check = parser.parse_args().check
    stale: list[str] = []
    for name, text in PAGES.items():
        page, wanted = FOLDER / name, text().rstrip() + "\n"
        if not page.exists() or page.read_text(encoding="utf-8") != wanted:
            stale.append(name)
            if not check:
                FOLDER.mkdir(parents=True, exist_ok=True)
                page.write_text(wanted, encoding="utf-8")
    if check and stale:
        print(f"docs/reference: {', '.join(stale)} stale; run make docs", file=sys.stderr)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
