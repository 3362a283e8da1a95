"""Planning, rules and settings ask about an engine where it says so, shown with one that exists in tests alone."""

import re
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError
from support.made_up_engine import Loom, woven
from support.plans import SPOT_FIRST, stack

from llmplatform.catalog import engine_flags, engines
from llmplatform.checks.rules import engine_extras
from llmplatform.checks.rules import engines as rules
from llmplatform.planning.fit import model_fit
from llmplatform.serving.engines import ENGINES
from llmplatform.specs.by_kind import ByKind
from llmplatform.specs.engines import Engine, EngineSettings, Vllm
from llmplatform.specs.stack import Stack

pytestmark = pytest.mark.usefixtures("made_up")


WORKLOADS = {"ray_server", "ray_service", "kuberay"}
"""Modules of engines whose pods another program makes, and of that program."""
PRODUCT = [Path(engines.__file__).parents[1], Path(__file__).parents[2] / "infra"]


def with_engine(**settings: Any) -> Stack:
    """A stack whose model has that engine, as far as rules can tell."""
    found = stack({"gpu": SPOT_FIRST}, {"chat": {"source": "Qwen/Qwen3-8B", "pool": "gpu", "context_length": 8192}})
    engine = Loom(kind="loom", **settings)
    models = {name: model.model_copy(update={"engine": engine}) for name, model in found.models.items()}
    return found.model_copy(update={"models": models})


def test_planning_takes_the_engines_own_figures() -> None:
    plan = woven()
    assert plan.image == "docker.io/example/loom:2.1"
    assert plan.pool.gpu is not None
    fit = model_fit(plan.spec, plan.pool.gpu)
    assert fit.usable_gib == plan.pool.gpu.memory_gib * 0.5
    assert fit.overhead_gib == 1


@pytest.mark.parametrize(
    ("rule", "settings", "says"),
    [
        (rules.engine_is_on_record, {"version": "9"}, "what loom 9 accepts is not on record; use '2.1'"),
        (rules.image_is_of_the_version, {"image": "example.org/x/loom:2.0.1"}, "the image is of loom 2.0.1"),
        (rules.engine_runs_on_gpu, {}, "loom 2.1 has no kernels for the A10G"),
        (engine_extras.extra_arguments_are_the_engines, {"extra_args": ["--workers=2"]}, "set engine.workers"),
        (engine_extras.extra_arguments_are_the_engines, {"extra_args": ["--dtype=half"]}, "loom has no flag '--dtype'"),
        (engine_extras.extra_arguments_are_the_engines, {"extra_args": ["--no-fast"]}, "loom has no flag '--no-fast'"),
        (engine_extras.extra_arguments_are_the_engines, {"extra_args": ["--batch=x"]}, "'x' is not a whole number"),
        (engine_extras.extra_variables_are_free, {"env": {"LOOM_PORT": "1"}}, "set engine.workers"),
        (engine_extras.extra_variables_are_free, {"env": {"HF_HOME": "/x"}}, "a folder that the platform fills"),
    ],
)
def test_rules_ask_the_catalog_about_the_engine(rule: Any, settings: dict[str, Any], says: str) -> None:
    assert says in "\n".join(map(str, rule(with_engine(**settings))))


@pytest.mark.parametrize(
    "rule",
    [
        rules.parsers_exist,
        rules.parsers_are_of_the_models,
        rules.quantization_is_of_the_weights,
        rules.cache_is_of_the_gpu,
        rules.cache_is_likely_to_run,
        engine_extras.extra_arguments_are_the_engines,
        engine_extras.extra_variables_are_free,
    ],
)
def test_rules_about_what_an_engine_does_not_have_are_silent(rule: Any) -> None:
    assert list(rule(with_engine(extra_args=["--fast"]))) == []


BOTH = TypeAdapter[Any](Annotated[Vllm | Loom, ByKind()])


def test_the_kind_chooses_the_engine_and_none_means_the_default() -> None:
    assert isinstance(BOTH.validate_python({"kind": "loom"}), Loom)
    assert isinstance(BOTH.validate_python({"max_num_seqs": 8}), Vllm)
    with pytest.raises(ValidationError, match="union_tag_invalid"):
        BOTH.validate_python({"kind": "tgi"})
    with pytest.raises(ValidationError, match="workers"):
        BOTH.validate_python({"workers": 2})


def test_an_editor_finds_one_engine_for_a_group_of_keys() -> None:
    schema = BOTH.json_schema()
    arms = [schema["$defs"][each["$ref"].rpartition("/")[2]] for each in schema["oneOf"]]
    assert [arm["properties"]["kind"]["const"] for arm in arms if "kind" not in arm.get("required", ())] == ["vllm"], (
        "a group without a kind would be of several engines, or of none"
    )


def test_the_settings_of_a_model_are_a_union_even_of_one() -> None:
    with pytest.raises(ValidationError) as found:
        TypeAdapter[Any](Engine).validate_python({"kind": "none"})
    assert found.value.errors()[0]["type"] == "union_tag_invalid"


@pytest.mark.parametrize("kind", [*ENGINES])
def test_every_engine_of_the_table_is_in_the_settings_and_in_the_catalog(kind: str) -> None:
    needed = {"custom": {"image": "registry.example.org/team/server:1.0"}, "ray_serve": {"head": {"pool": "system"}}}
    assert isinstance(TypeAdapter[Any](Engine).validate_python({"kind": kind, **needed.get(kind, {})}), EngineSettings)
    facts = engines.facts(kind)
    for release in facts.releases:
        exposed = engine_flags.names(kind, release.version, "metric")
        named = {name.partition("{")[0].removesuffix("_sum") for name in release.metrics.model_dump().values() if name}
        assert named <= exposed, f"{kind} {release.version} exposes no such series"
        unknown = {*facts.owned_flags, *facts.overridable} - engine_flags.flags(kind, facts.release().version)
        assert unknown <= {"--model"}, "no user can write them (a model may be positional)"
    every = frozenset[str]().union(*(engine_flags.flags(kind, release.version) for release in facts.releases))
    assert set(facts.hub_flags) <= every - set(facts.owned_flags)


def test_no_engine_is_named_outside_its_modules_and_the_tables() -> None:
    """The tables are the packages' own modules; data of the catalog and generated files may name engines."""
    # `custom` is a word of Pulumi and of clouds, too; a name with a release cites the source of a fact.
    kinds = "|".join({*ENGINES} - {"loom", "custom"})
    name = re.compile(
        rf"(?<![A-Za-z0-9_])({kinds})(?![A-Za-z0-9_]| \d+\.\d)|[!=]= .custom|(?-i:import .*\bCustom\b)", re.IGNORECASE
    )
    named = [
        f"{path}:{number}"
        for folder in PRODUCT
        for path in sorted(folder.rglob("*.py"))
        if not (path.parent.name == "engines" and path.stem in (*ENGINES, "__init__")) and path.stem not in WORKLOADS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if name.search(line)
    ]
    assert not named, "the next engine would have to be written there, too"
