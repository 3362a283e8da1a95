"""Ways in which people and tools damage stack files, as strategies of Hypothesis.

Values are damaged in the document, characters in the text: the first reaches the rules, the second the reading.
"""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
Path_ = tuple[str | int, ...]

PLAUSIBLE = [
    *("10.20.0.0/16", "10.20.0.0/28", "10.20.1.1/16", "0.0.0.0/0", "172.20.0.0/16", "192.168.0.0/17", "::/0"),
    *("us-east-1", "us-west-2a", "cn-hangzhou", "cn-hangzhou-k", "cn-beijing-l", "eu-central-1"),
    *("g5.12xlarge", "g6e.2xlarge", "m7i.xlarge", "p5.48xlarge", "ecs.g7.xlarge", "ecs.gn8is-2x.8xlarge"),
    *("Qwen/Qwen3-8B", "Qwen/Qwen3-32B", "google/gemma-3-1b-it", "unknown/nothing", "hermes", "0.6.6.post1"),
    *("new", "existing", "acme", "aws", "alicloud", "spot", "spot_first", "on_demand", "full", "none"),
    *("1.34", "1.35", "1.36", "gpu", "system", "gpu-small", "default", "kube-system", "models", "monitoring"),
]
"""Values that are right somewhere."""

ODD = [
    *(None, True, False, 0, 1, 2, 3, 8, -1, 10**30, 1.35, 1e400, float("nan"), -0.5, "", " ", "~", "\n", "\x7f", "ü"),
    *(
        "a" * 300,
        "a; b: c",
        "{",
        "*",
        "1e3",
        "0x10",
        "null",
        "yes",
        "\uff12",
        "\u202e",
        "$(id)",
        "{{ a }}",
        "%s",
        "a/b/c",
    ),
    *([], {}, [None], [[]], {"": None}, {"secure": "AAAB"}, {"secure": 1}, {"a": {"b": ["c"]}}, ["a"] * 60),
]
"""Values that are wrong nearly everywhere."""

KEYS = [
    "",
    "kind",
    "provider",
    "Name",
    "poool",
    "shape",
    "engine",
    "secure",
    "a b",
    "a.b",
    "llmplatform:pools",
    "x" * 70,
]


@cache
def _text(stack: str) -> str:
    return (ROOT / f"Pulumi.{stack}.yaml").read_text("utf-8")


def document(stack: str) -> dict[str, Any]:
    """A committed stack file, to be changed at will."""
    return yaml.safe_load(_text(stack))


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The path of every value below a value."""
    entries: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in entries:
        yield (*path, key)
        yield from places(each, (*path, key))


@st.composite
def damaged_documents(draw: st.DrawFn, stacks: list[str] = STACKS) -> tuple[str, dict[str, Any]]:
    """A stack and its document with one to four changes."""
    stack = draw(st.sampled_from(stacks))
    found = document(stack)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(list(places(found))))
        *above, key = path
        parent: Any = found
        for step in above:
            parent = parent[step]
        _damage(draw, found, parent, key)
        if not list(places(found)):
            break
    return stack, found


LIKELY: dict[str, list[Any]] = {
    "replicas": [0, 1, 2, 5],
    "context_length": [1, 4096, 16384, None],
    "tensor_parallel": [1, 2, 4],
    "data_parallel": [1, 2, 4],
    "expert_parallel": [True, False],
    "capacity": ["on_demand", "spot", "spot_first"],
    "min": [0, 1, 2, 3],
    "max": [1, 3, 6, 40],
    "disk_gib": [20, 200, 500],
    "source": ["Qwen/Qwen3-8B", "Qwen/Qwen3-4B", "microsoft/phi-4", "Qwen/Qwen2.5-3B-Instruct"],
    "instance_types": [["g5.2xlarge"], ["g6e.12xlarge"], ["m7i.xlarge"], ["ecs.gn7i-c16g1.4xlarge"], ["ecs.g7.xlarge"]],
    "protection": ["none", "full"],
    "nat": ["single", "per_zone"],
    "flow_logs": [True, False],
    "kubernetes_version": ["1.35", "1.36"],
    "host": [None, "a.example.org"],
    "llmplatform:models": [{}],
    "llmplatform:tags": [{}, {"team": "a b"}],
    "llmplatform:addons": [{}, {"monitoring": {"enabled": False}}, {"cert_manager": {"enabled": False}}],
    "engine": [{}, {"kv_cache_dtype": "fp8", "max_num_seqs": 8}],
}
"""Values that people write on purpose, by key; not every stack takes every one."""


@st.composite
def changed_documents(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A stack and its document with some settings chosen otherwise, as its owner might."""
    stack = draw(st.sampled_from(STACKS))
    found = document(stack)
    known = [path for path in places(found) if path[-1] in LIKELY]
    for *above, key in draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True)):
        parent: Any = found
        for step in above:
            parent = parent.get(step) if isinstance(parent, dict) else None
        if isinstance(parent, dict):
            parent[key] = deepcopy(draw(st.sampled_from(LIKELY[str(key)])))
    return stack, found


def _damage(draw: st.DrawFn, found: dict[str, Any], parent: Any, key: Any) -> None:
    match draw(st.sampled_from(["odd", "plausible", "number", "remove", "rename", "wrap", "elsewhere"])):
        case "odd":
            parent[key] = deepcopy(draw(st.sampled_from(ODD)))
        case "plausible":
            parent[key] = draw(st.sampled_from(PLAUSIBLE))
        case "number":
            parent[key] = draw(st.integers(-2, 70000))
        case "remove":
            del parent[key]
        case "rename" if isinstance(parent, dict):
            parent[draw(st.sampled_from(KEYS) | st.just(f"{key}s"))] = parent.pop(key)
        case "wrap":
            parent[key] = draw(
                st.sampled_from([[parent[key]], {"a": parent[key]}, {key: parent[key]}, str(parent[key])])
            )
        case _:
            source: Any = found
            for step in draw(st.sampled_from(list(places(found)))):
                source = source[step]
            parent[key] = deepcopy(source)


@st.composite
def damaged_texts(draw: st.DrawFn) -> bytes:
    """A stack file whose characters were damaged, or that was saved in some other encoding."""
    text = _text(draw(st.sampled_from(STACKS)))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        length = draw(st.sampled_from([0, 0, 1, 3, 40]))
        text = text[:start] + draw(st.sampled_from(INSERTED) | st.text(max_size=4)) + text[start + length :]
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp037"]))
    if draw(st.booleans()):
        text = text.replace("\n", draw(st.sampled_from(["\r\n", "\r"])))
    return text.encode(encoding, errors="surrogatepass" if encoding.startswith("utf") else "replace")


INSERTED = [
    "",
    "\t",
    ":",
    ": ",
    "- ",
    "#",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!binary ",
    "!x ",
    "? ",
    "%",
    "@",
    "---\n",
    "...\n",
]
