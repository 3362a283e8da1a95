"""Writes the dashboards that stacks install; with --check only names stale ones."""

import argparse
import json
import sys
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import BOARDS

FOLDER = Path(__file__).parents[1] / "components/llmplatform/catalog/data/dashboards"


def main() -> int:
    """Writes the files, or compares them."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description="Write the dashboards of stacks.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    check = parser.parse_args().check
    wanted = {FOLDER / f"{name}.json": text(build()) for name, build in BOARDS.items()}
    stale = {
        path for path, content in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != content
    }
    unknown = set(FOLDER.glob("*.json")) - set(wanted)
    for path in sorted(stale | unknown):
        print(
            f"{path.name}: {'stale; run make docs' if check else 'written'}", file=sys.stderr if check else sys.stdout
        )
        if not check and path in unknown:
            path.unlink()
        elif not check:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
    return 1 if check and stale | unknown else 0


def text(board: Dashboard) -> str:
    """A dashboard as Grafana reads it, with numbers for its panels, by which links find them."""
    made = board.build()
    for number, panel in enumerate(made.panels or [], start=1):
        panel.id_val = number
    return json.dumps(made, cls=JSONEncoder, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
