"""Refuses program files of more than 300 lines: a longer one does more than one thing."""

import subprocess
import sys
from pathlib import Path

LIMIT = 300
PROGRAMS = ("*.py", "*.sh", "*.go")


def main() -> int:
    """Print each file that is too long. 1 if there is one."""
    listed = subprocess.run(["git", "ls-files", *PROGRAMS], check=True, capture_output=True, text=True).stdout
    lengths = {file: len(Path(file).read_text().splitlines()) for file in listed.split("\n") if file}
    long = {file: lines for file, lines in sorted(lengths.items()) if lines > LIMIT}
    for file, lines in long.items():
        print(f"{file}: {lines} lines, more than {LIMIT}: split it by topic")
    return 1 if long else 0


if __name__ == "__main__":
    sys.exit(main())
