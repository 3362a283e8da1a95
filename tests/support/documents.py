"""The documents of the repository, and the commands that they tell a reader to type."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "examples/*/README.md", "sandbox/README.md", "components/README.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
DECISIONS_AND_REFERENCE = sorted(ROOT.glob("docs/*/*.md"))
FENCE = re.compile(r"^ *```(?P<language>\w*)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)
TOOL = re.compile(r"(make|llmplatform|pulumi|kubectl|helm|pip|\.venv/bin/[-\w]+) ")
SEPARATORS = {"|", "||", "&&", "&", ";", "(", ")", "$", "<", ">"}
ALIASES = {"$llmplatform": "llmplatform"}


def blocks(text: str, language: str) -> list[str]:
    """What is fenced as a language."""
    return [found["body"] for found in FENCE.finditer(text) if found["language"] == language]


def commands(text: str) -> list[tuple[str, ...]]:
    """Every simple command in the console blocks of a document, those within others included."""
    return [words for block in blocks(text, "console") for line in block.splitlines() for words in simple(line.strip())]


def mentioned(text: str) -> list[tuple[str, ...]]:
    """The commands that a document names within its sentences, with or without their arguments."""
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCE.sub("", text))]
    return [words for span in spans if TOOL.match(span) for words in simple(span)]


def simple(line: str) -> Iterator[tuple[str, ...]]:
    """The simple commands of a line of shell: without comments, assignments and what only evaluates another."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word in SEPARATORS or word.endswith("=$"):
            if cleaned := _cleaned(words):
                yield cleaned
            words = []
            continue
        for inner in re.findall(r"\$\((.*?)\)", word):
            yield from simple(inner)
        words.append(word)


def _cleaned(words: list[str]) -> tuple[str, ...]:
    while words and (re.match(r"\w+=", words[0]) or words[0] in {"eval", "export"}):
        words = words[1:]
    if not words or words[0].startswith("$("):
        return ()
    first = ALIASES.get(words[0], words[0].removeprefix(".venv/bin/"))
    return (first, *words[1:])
