"""Files that are too much: told at once, whatever they would be written out."""

import time
from pathlib import Path

import pytest
from support import pace

from llmplatform.checks import check_stack_file

DEV = Path(__file__).parents[3] / "Pulumi.dev.yaml"

LAUGHS = "{a: &a [x, x, x, x, x, x, x, x, x, x]" + "".join(
    f", {this}: &{this} [{', '.join([f'*{before}'] * 10)}]" for before, this in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMBS = {
    "a billion laughs in tags": f"  llmplatform:tags: {LAUGHS}}}\n",
    "a billion laughs in a key of another": f"  aws:x: {LAUGHS}}}\n",
    "a billion laughs beside config": f"environment: {LAUGHS}}}\n",
    "a quadratic blow-up": "  aws:x: {a: &a '" + "x" * 100_000 + "', b: [" + ", ".join(["*a"] * 60_000) + "]}\n",
    "ten megabytes in a text": "  llmplatform:tags: {a: '" + "x" * 10_000_000 + "'}\n",
    "half a million tags": "  llmplatform:tags: {" + ", ".join(f"t{n}: x" for n in range(500_000)) + "}\n",
    "tags up to the file's largest size": "  llmplatform:tags: {"
    + ", ".join(f"t{n}: x" for n in range(25_000))
    + "}\n",
    "unknown keys up to it": "  llmplatform:environment: {" + ", ".join(f"nam{n}: x" for n in range(25_000)) + "}\n",
    "unknown machines up to it": (
        "  llmplatform:pools: {"
        + ", ".join(f"p{n}: {{instance_types: [g5.{n}xlarge], max: 1}}" for n in range(8_000))
        + "}\n"
    ),
    "broken models up to it": (
        "  llmplatform:models: {"
        + ", ".join(f"m{n}: {{source: a/b, pool: p, replicas: x}}" for n in range(8_000))
        + "}\n"
    ),
    "one text up to it": "  llmplatform:tags: {a: '" + "x" * 480_000 + "'}\n",
    "one name up to it": "  llmplatform:models:\n    ? " + "a" * 480_000 + "\n    : {source: a/b, pool: p}\n",
    "one address up to it": "  llmplatform:mirrors: {huggingface: 'https://" + "a." * 240_000 + "'}\n",
    "levels": "  llmplatform:tags: " + "[" * 400 + "]" * 400 + "\n",
    "many levels": "  llmplatform:tags: " + "[" * 100_000 + "]" * 100_000 + "\n",
    "levels by indentation": "".join(" " * (level + 2) + "a:\n" for level in range(900)),
    "comments": "  # token\n" * 50_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_file_that_is_too_much_is_told_at_once(bomb: str, tmp_path: Path) -> None:
    path = tmp_path / DEV.name
    # Alone, so that no section is there twice.
    path.write_text(f"config:\n{BOMBS[bomb]}", encoding="utf-8")
    started = time.process_time()
    lines = check_stack_file(path)
    assert not pace.slow(time.process_time() - started)
    assert lines
    assert sum(map(len, lines)) < 200_000, "no user reads on"


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    import os

    path = tmp_path / DEV.name
    os.mkfifo(path)
    assert check_stack_file(path) == [f"{DEV.name}: it is no file; name a stack, or the file of one"]
