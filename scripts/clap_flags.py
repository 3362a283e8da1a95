"""Write down what a Rust server's command line accepts and which metrics it exposes, from its sources.

    git clone --branch v1.9.3 https://github.com/huggingface/text-embeddings-inference
    python scripts/clap_flags.py tei 1.9.3 text-embeddings-inference router/src/main.rs router core

The first path has the `Args` that clap parses; the folders behind it are searched for metrics. The list is like that of
scripts/engine_flags.py. Metrics have the names that they are recorded by: the exporter adds nothing to them.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from flag_lists import require, write

STRUCT = re.compile(r"struct Args \{\n(?P<body>.*?)^\}", re.DOTALL | re.MULTILINE)
FIELD = re.compile(r"(?P<attributes>(?:^    #\[[^\n]*\n)+)^    (?P<name>\w+): (?P<type>[^\n]+),$", re.MULTILINE)
METRIC = re.compile(r'metrics::(?:counter|gauge|histogram)!\(\s*"(?P<name>\w+)"')
KINDS = {"usize": "whole", "u64": "whole", "u32": "whole", "u16": "whole", "f32": "number"}
FEWEST_FLAGS = 20
"""Fewer mean that the parser is built in another way."""


def flags(source: str) -> Iterator[str]:
    """Long flags with what their value is, where that is plain."""
    struct = STRUCT.search(source)
    for field in FIELD.finditer(struct["body"] if struct else ""):
        if not re.search(r"#\[clap\([^\n]*\blong\b", field["attributes"]):
            continue
        inner = re.sub(r"^Option<(.*)>$", r"\1", field["type"])
        # A bool is a switch, unless it takes a value.
        switch = field["type"] == "bool" and "num_args" not in field["attributes"]
        kind = "switch" if switch else KINDS.get(inner, "")
        yield f"--{field['name'].replace('_', '-')} {kind}".rstrip()


def metrics(sources: Iterable[str]) -> set[str]:
    """Names of recorded metrics."""
    return {found["name"] for source in sources for found in METRIC.finditer(source)}


def read(root: Path, arguments: str, folders: Sequence[str]) -> list[str]:
    """Lines of the list."""
    found = sorted(flags((root / arguments).read_text(encoding="utf-8")))
    require(found, FEWEST_FLAGS, "flags", arguments)
    sources = (path.read_text(encoding="utf-8") for folder in folders for path in (root / folder).rglob("*.rs"))
    exposed = sorted(metrics(sources))
    require(exposed, 1, "metrics", ", ".join(folders))
    return [*found, *(f"metric {name}" for name in exposed)]


def main(kind: str, version: str, root: str, arguments: str, *folders: str) -> None:
    """Write the list of one release."""
    lines = read(Path(root), arguments, folders)
    write(kind, version, f"scripts/clap_flags.py from {arguments} of its sources", lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
