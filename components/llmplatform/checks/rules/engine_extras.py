"""Rules about engine flags and variables in a stack file, and about a replica's own resources."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from operator import ge, gt, le, lt

from llmplatform.catalog import engine_flags
from llmplatform.checks.problems import Problem, listed, suggestion
from llmplatform.checks.rules.placement import published
from llmplatform.checks.rules.rule import each_model
from llmplatform.planning.models import EVICTABLE
from llmplatform.specs.stack import Stack

METADATA = (IPv4Network("169.254.0.0/16"), IPv4Network("100.100.100.200/32"))
"""Where a process gets the node's credentials, on AWS and Alibaba Cloud."""


NOWHERE = (IPv4Network("127.0.0.0/8"), IPv4Network("224.0.0.0/3"))


_SECRET = re.compile(r"(TOKEN|PASSWORD|PASSWD|SECRET|API_?KEY|ACCESS_?KEY)", re.IGNORECASE)


def extra_arguments_are_the_engines(stack: Stack) -> Iterator[Problem]:
    """A flag is known to the engine, and does not follow from a setting."""
    for name, model, engine, release in published(stack):
        if engine.version and engine.version != release.version:
            continue  # Another rule says that the version is not on record.
        known, owned = engine_flags.kinds(model.engine.kind, release.version), model.engine_facts.owned_flags
        seen: set[str] = set()
        for index, argument in enumerate(engine.extra_args):
            path, flag = f"models.{name}.engine.extra_args[{index}]", _flag(argument)
            base = _switch(flag, known) if model.engine_facts.negates else flag
            # Some parsers take both spellings for one.
            ours = next((each for each in (base, base.replace("_", "-")) if each in owned), None)
            if ours:
                yield Problem(path, f"'{flag}' is not for here", f"{owned[ours]}; remove it")
            elif base not in known:
                yield Problem(
                    path, f"{model.engine.kind} has no flag '{flag}'", suggestion(flag, sorted(known), "remove it")
                )
            elif argument in seen or (known[base] and flag in seen):
                yield Problem(path, f"'{argument if argument in seen else flag}' is there twice", "remove one of them")
            elif "." not in argument.partition("=")[0]:
                yield from _value(path, argument, base, known[base])
            seen |= {argument, flag}


def options_are_the_engines(stack: Stack) -> Iterator[Problem]:
    """An option in a file is known to the engine, follows from no setting, and names nothing to download."""
    for name, model, engine, release in published(stack):
        if engine.OPTIONS is None or (engine.version and engine.version != release.version):
            continue
        kind, facts, given = model.engine.kind, model.engine_facts, getattr(engine, engine.OPTIONS)
        known, owned = engine_flags.names(kind, release.version, "option"), facts.owned_options
        groups = {option.partition(".")[0] for option in owned if "." in option}
        for option, value in _dotted(given):
            path = f"models.{name}.engine.{engine.OPTIONS}.{option}"
            if option in owned:
                yield Problem(path, "it is not for here", f"{owned[option]}; remove it")
            elif "." not in option and option not in known:
                yield Problem(path, f"{kind} has no option '{option}'", suggestion(option, sorted(known), "remove it"))
            elif option in groups and not isinstance(value, Mapping):
                yield Problem(path, "it is not a group of keys", "write 'key: value' lines below it")
            elif option in facts.hub_options and not str(value).startswith("/"):
                yield Problem(path, "nothing downloads what it names", "write a path in your own image, or remove it")


def _dotted(options: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Every option, those of groups with the group's name and a dot before theirs."""
    for key, value in options.items():
        yield key, value
        if isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", each) for inner, each in _dotted(value))


_VALUES: Mapping[str, tuple[str, str, str]] = {
    "whole": (r"-?\d+", "a whole number", "8192"),
    "readable": (r"-?\d+|\d+(\.\d+)?[kKmMgGtT]", "a whole number", "8192"),
    "number": (r"-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", "a number", "0.5"),
}
"""Type of a flag's value to its form, in words, and an example."""


def _value(path: str, argument: str, flag: str, kind: str) -> Iterator[Problem]:
    """Whether the engine's own parser accepts a flag's value."""
    given, equals, value = argument.partition("=")
    if kind in ("on", "switch") and equals:
        yield Problem(path, f"'{given}' is a switch, which has no value", f"write '{given}', or remove it")
    kind, *words = kind.split(" ")
    if kind == "one-of" and value not in (*words, "None"):
        fault = f"'{value}' is not a choice of '{given}'" if equals else f"'{given}' has no value"
        yield Problem(path, fault, suggestion(value, words, f"use {listed(words)}"))
    if not kind and re.match(r"\{(?![{%#])", value) and not _is_json(value):
        yield Problem(path, f"'{value}' is not JSON", f"""write its keys in double quotes: '{flag}={{"key": 1}}'""")
    if kind in _VALUES:
        form, sort, example = _VALUES[kind]
        if not equals:
            yield Problem(path, f"'{given}' has no value", f"write {sort}: '{flag}={example}'")
        elif value in ("", "None"):
            return
        elif not re.fullmatch(form, value, re.ASCII):
            yield Problem(path, f"'{value}' is not {sort}", f"write one: '{flag}={example}'")
        elif asked := _broken(value, words):
            yield Problem(path, f"'{value}' is not {asked}", "write such a number, or remove it")


_BOUNDS = {">=": ("at least", ge), ">": ("more than", gt), "<=": ("at most", le), "<": ("less than", lt)}


def _broken(value: str, bounds: Sequence[str]) -> str:
    """The bounds that a number breaks, such as `>=1`, in words; empty for one within them."""
    number, asked = _number(value), list[str]()
    for bound in bounds:
        edge = bound.lstrip("<>=")
        words, holds = _BOUNDS[bound.removesuffix(edge)]
        if not holds(number, float(edge)):
            asked.append(f"{words} {float(edge):g}")
    return " and ".join(asked)


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float(engine_flags.readable(value) or 0)


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def extra_variables_are_free(stack: Stack) -> Iterator[Problem]:
    """A variable is not set by the platform, and holds no secret."""
    for name, model in stack.models.items():
        owned = model.engine_facts.owned_variables
        for variable in model.engine.env:
            path = f"models.{name}.engine.env.{variable}"
            if variable in owned:
                yield Problem(path, "the platform sets this variable", f"{owned[variable]}; remove it")
            elif _SECRET.search(variable):
                yield Problem(path, "it looks like a secret, which would stand in clear text in the state", "remove it")


def key_has_a_variable_of_its_own(stack: Stack) -> Iterator[Problem]:
    """The variable of the clients' key has no other value."""
    for name, model in stack.models.items():
        variable = model.engine.key_variable
        if variable in model.engine_facts.owned_variables or variable in model.engine.env:
            by = "engine.env" if variable in model.engine.env else "the platform"
            yield Problem(
                f"models.{name}.engine.api_key_variable",
                f"'{variable}' has a value by {by}",
                "name the variable that the server reads its key from",
            )


_DRAFTS_NONE = "[ngram]"
"""In place of a draft model (vLLM 0.6.6.post1)."""


def flags_name_nothing_to_download(stack: Stack) -> Iterator[Problem]:
    """What a flag names is in the image, because servers reach no hub."""
    for name, model, engine, _ in published(stack):
        for index, argument in enumerate(engine.extra_args):
            value = argument.partition("=")[2]
            is_here = value.startswith("/") or value == _DRAFTS_NONE
            if _flag(argument) in model.engine_facts.hub_flags and not is_here:
                yield Problem(
                    f"models.{name}.engine.extra_args[{index}]",
                    "nothing downloads what it names",
                    f"write a path in your own image: '{_flag(argument)}=/path', or remove it",
                )


_PLATFORM = "llmplatform.dev/"
_GROUPS = "leaderworkerset.sigs.k8s.io/"


def annotations_are_free(stack: Stack) -> Iterator[Problem]:
    """An annotation of a model's pods is not one of the platform's."""
    owned = {EVICTABLE: "set evictable"}
    for name, model in stack.models.items():
        for key in model.pod_annotations:
            if key in owned or key.startswith((_PLATFORM, _GROUPS)):
                remedy = owned.get(key, "use a domain of your own")
                yield Problem(f"models.{name}.pod_annotations.{key}", "the platform sets this annotation", remedy)


def ways_out_lead_somewhere(stack: Stack) -> Iterator[Problem]:
    """An egress range leads to other machines, and not to the node's credentials."""
    for name, model in stack.models.items():
        for index, way in enumerate(model.egress):
            path, cidr = f"models.{name}.egress[{index}]", IPv4Network(way.cidr)
            if any(cidr.subnet_of(block) for block in METADATA):
                yield Problem(f"{path}.cidr", f"{cidr} is where a node's credentials are to be had", "remove it")
            elif any(cidr.subnet_of(block) for block in NOWHERE):
                yield Problem(
                    f"{path}.cidr", f"no other machine has an address of {cidr}", "write the range that is meant"
                )


def names_are_given_once(stack: Stack) -> Iterator[Problem]:
    """A model's further names differ from its own, and do not climb out of a path."""
    for name, model in stack.models.items():
        for index, other in enumerate(model.served_names):
            path = f"models.{name}.served_names[{index}]"
            if other == name:
                yield Problem(path, f"'{other}' is a name of it already", "remove it")
            if ".." in other or "//" in other:
                yield Problem(path, f"'{other}' is not valid", "write a name without '..' and '//'")


def _flag(argument: str) -> str:
    """The flag without its value, and without the keys of a structured one (`--hf-overrides.rope_theta`)."""
    return argument.partition("=")[0].partition(".")[0]


def _switch(flag: str, known: Mapping[str, str]) -> str:
    """The flag that a `--no-` form turns off; any other flag as it is."""
    positive = f"--{flag.removeprefix('--no-')}"
    return positive if flag.startswith("--no-") and flag not in known and known.get(positive) == "switch" else flag


PROBLEMS = each_model(
    extra_arguments_are_the_engines,
    options_are_the_engines,
    extra_variables_are_free,
    key_has_a_variable_of_its_own,
    flags_name_nothing_to_download,
    annotations_are_free,
    ways_out_lead_somewhere,
    names_are_given_once,
)
