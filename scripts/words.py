"""Refuses words that make a reader guess who acts or what is meant, and says what to write instead.

    scripts/words.py [FILE …]

Without files it reads every tracked text file. Names in code count, too: the name of a test is a sentence.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

REMEDIES = {
    "whoever": "name the actor: the caller, the user, the program",
    "whomever": "name the actor: the caller, the user, the program",
    "whom": "name the actor, and begin a sentence of its own",
    "nobody": "name the actor with 'no': no caller, no controller, no user",
    "somebody": "name the actor: another team, a user, a controller",
    "someone": "name the actor: another team, a user, a controller",
    "anybody": "name the actor: any caller, any user",
    "anyone": "name the actor: any caller, any user",
    "everybody": "name the actors: all users, all programs",
    "of which": "begin a new sentence, or write 'whose'",
    "those who": "name the actors: the users, the stacks, the processes",
    "what brings": "name the thing: the release that installs it",
}
"""Each word with what to write instead."""

NOT_OURS = re.compile(r"LICENSE$|^requirements/|(^|/)(test_)?words\.py$|\.(json|svg|sum|lock|gz)$")
"""Texts of others, data, and this list."""

SEPARATOR = r"[\s#_]+"
"""Between two words: also the end of a line of a comment, or the underscore in a name."""

PATTERN = re.compile(
    r"(?<![A-Za-z])(" + "|".join(word.replace(" ", SEPARATOR) for word in REMEDIES) + r")(?![A-Za-z])", re.IGNORECASE
)


def faults(text: str) -> Iterator[tuple[int, str]]:
    """The line and the word of each fault."""
    for found in PATTERN.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, " ".join(re.split(SEPARATOR, found[0].lower()))


def tracked() -> list[str]:
    """The files that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name]


def main(names: list[str]) -> int:
    """Print the faults; 1 where there is one."""
    count = 0
    for name in names or tracked():
        path = ROOT / name
        if NOT_OURS.search(name) or not path.is_file():
            continue
        for line, word in faults(path.read_text(encoding="utf-8")):
            print(f"{name}:{line}: '{word}': {REMEDIES[word]}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
