"""Write down what Triton's server accepts, which options its TensorRT-LLM model has, and which metrics it exposes.

    git clone --branch r26.07 https://github.com/triton-inference-server/server
    python scripts/tritonserver_flags.py 26.07 server 1.2.1

The last word is the release of TensorRT-LLM in its image: the options of the model are those of that release's list,
which scripts/trtllm_flags.py makes. The list is like that of scripts/engine_flags.py. Metrics are those of the page on
them.
"""

import re
import sys
from pathlib import Path

from flag_lists import DATA, require, write

PARSER = "src/command_line_parser.cc"
OPTION = re.compile(r'\{\s*OPTION_\w+,\s*"(?P<name>[a-z0-9-]+)",\s*(?P<kind>Option::Arg\w+|"[^"]*")')
KINDS = {"Option::ArgNone": "on", "Option::ArgInt": "whole", "Option::ArgFloat": "number"}
METRICS = "docs/user_guide/metrics.md"
METRIC = re.compile(r"\|\s*`(?P<name>nv_\w+)`\s*\|")
FEWEST_FLAGS = 60
"""Fewer mean that the parser is built in another way."""


def read(root: Path, options: str) -> list[str]:
    """Lines of the list. `options`: a list whose options are those of the model."""
    source = (root / PARSER).read_text(encoding="utf-8")
    flags = {f"--{found['name']}": KINDS.get(found["kind"], "") for found in OPTION.finditer(source)}
    require([*flags], FEWEST_FLAGS, "flags", PARSER)
    exposed = sorted({found["name"] for found in METRIC.finditer((root / METRICS).read_text(encoding="utf-8"))})
    require(exposed, 1, "metrics", METRICS)
    keys = [line for line in options.splitlines() if line.startswith("option ")]
    require(keys, 1, "options", "the list of TensorRT-LLM")
    return [
        *(f"{flag} {kind}".rstrip() for flag, kind in sorted(flags.items())),
        *keys,
        *(f"metric {name}" for name in exposed),
    ]


def main(version: str, root: str, backend: str) -> None:
    """Write the list of one release."""
    options = (DATA / f"trtllm-{backend}.txt").read_text(encoding="utf-8")
    made = f"scripts/tritonserver_flags.py from its sources at r{version} and the list of TensorRT-LLM {backend}"
    write("triton", version, made, read(Path(root), options))


if __name__ == "__main__":
    main(*sys.argv[1:])
