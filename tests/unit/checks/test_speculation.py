"""Draft models: what they need is planned, and what cannot work is refused."""

import json
from typing import Any

import pytest
from support.model_servers import JOB, container, served
from support.plans import STACK, SYSTEM, model_plan

from llmplatform.catalog import models
from llmplatform.catalog.gpus import GIB
from llmplatform.checks import InvalidStack, parse
from llmplatform.planning.fit import model_fit, weights_gib

LARGE = {"instance_types": ["p4d.24xlarge"], "max": 1}
DRAFT = {"source": "Qwen/Qwen3-0.6B", "tokens": 4}
EAGLE = {"source": "acme/eagle", "method": "eagle3", "size_gib": 1.5, "tokens": 3}


def said(speculative: dict[str, Any] | None, extra_args: tuple[str, ...] = (), tensor_parallel: int = 1) -> list[str]:
    engine = {"speculative": speculative, "extra_args": extra_args}
    served = {
        "source": "Qwen/Qwen3-8B",
        "pool": "gpu",
        "context_length": 8192,
        "tensor_parallel": tensor_parallel,
        "engine": engine,
    }
    try:
        parse({**STACK, "pools": {"system": SYSTEM, "gpu": LARGE}, "models": {"chat": served}})
    except InvalidStack as invalid:
        return [str(problem) for problem in invalid.problems]
    return []


PATH = "models.chat.engine.speculative"


@pytest.mark.parametrize(
    ("speculative", "line"),
    [
        (
            {**DRAFT, "source": "acme/tiny"},
            (
                f"{PATH}.source: the catalog does not know 'acme/tiny'; add 'shape:' with the values of its "
                "config.json, or the method of a speculator"
            ),
        ),
        (
            {**EAGLE, "size_gib": None},
            f"{PATH}.size_gib: the memory of a speculator is not known; write the size of its files",
        ),
        (
            {**DRAFT, "options": {"model": "acme/x"}},
            f"{PATH}.options.model: it follows from the settings beside options; remove it",
        ),
        (
            {**DRAFT, "source": "Qwen/Qwen2.5-7B-Instruct"},
            (
                f"{PATH}.source: 'Qwen/Qwen2.5-7B-Instruct' has 152064 tokens, and 'Qwen/Qwen3-8B' 151936; use a model "
                "with the same vocabulary, or set options.use_heterogeneous_vocab to true"
            ),
        ),
    ],
)
def test_a_draft_that_cannot_be_planned_or_run_is_refused(speculative: dict[str, Any], line: str) -> None:
    assert said(speculative) == [line]


SPREAD = f"{PATH}.options.draft_tensor_parallel_size"


@pytest.mark.parametrize(
    ("speculative", "size", "line"),
    [
        (
            DRAFT,
            1,
            (
                f"{SPREAD}: with the method 'draft_model' the engine does not start with 1 beside tensor_parallel 4; "
                "remove it"
            ),
        ),
        (
            EAGLE,
            2,
            (
                f"{SPREAD}: with the method 'eagle3' the engine does not start with 2 beside tensor_parallel 4; "
                "write 1, or remove it"
            ),
        ),
        (EAGLE, 1, None),
        (DRAFT, 4, None),
    ],
)
def test_a_draft_that_the_engine_cannot_spread_so_is_refused(
    speculative: dict[str, Any], size: int, line: str | None
) -> None:
    options = {"draft_tensor_parallel_size": size}
    assert said({**speculative, "options": options}, tensor_parallel=4) == ([line] if line else [])


def test_a_draft_with_another_vocabulary_runs_where_the_engine_is_told_to() -> None:
    assert said({**DRAFT, "source": "Qwen/Qwen2.5-7B-Instruct", "options": {"use_heterogeneous_vocab": True}}) == []


@pytest.mark.parametrize(
    ("speculative", "flag", "fault"),
    [
        (None, '--speculative-config={"model": "acme/eagle"}', "nothing downloads the model that it names"),
        (None, "--speculative-config.model=acme/eagle", "nothing downloads the model that it names"),
        (DRAFT, '--speculative-config={"method": "ngram"}', "engine.speculative says it"),
        (DRAFT, "--spec-tokens=3", "engine.speculative says it"),
    ],
)
def test_flags_beside_the_setting_are_refused(speculative: dict[str, Any] | None, flag: str, fault: str) -> None:
    remedy = "write it below engine.speculative"
    assert said(speculative, (flag,)) == [f"models.chat.engine.extra_args[0]: {fault}; {remedy}"]


@pytest.mark.parametrize(
    "flags", [('--speculative-config={"method": "ngram"}',), ("--spec-method=mtp", "--spec-tokens=2")]
)
def test_speculation_without_a_draft_model_is_a_matter_of_flags(flags: tuple[str, ...]) -> None:
    assert said(None, flags) == []


def test_a_draft_model_takes_its_weights_and_its_own_cache() -> None:
    """Qwen3-0.6B: 28 layers with 8 key-value heads of 128, whose keys and values have 2 bytes each."""
    plain, drafting = model_plan(LARGE), model_plan(LARGE, engine={"speculative": DRAFT})
    assert plain.pool.gpu is not None
    without, fit = model_fit(plain.spec, plain.pool.gpu), model_fit(drafting.spec, plain.pool.gpu)
    shape = models.get("Qwen/Qwen3-0.6B")
    assert shape is not None
    assert without.kv_gib - fit.kv_gib == pytest.approx(weights_gib(shape))
    assert fit.cache.per_token - without.cache.per_token == 28 * 2 * 8 * 128 * 2
    assert drafting.volume_gib >= plain.volume_gib
    assert fit.kv_tokens < without.kv_tokens


def test_a_speculator_takes_its_files_and_a_few_layers() -> None:
    plain, drafting = model_plan(LARGE), model_plan(LARGE, engine={"speculative": EAGLE})
    assert plain.pool.gpu is not None
    without, fit = model_fit(plain.spec, plain.pool.gpu), model_fit(drafting.spec, plain.pool.gpu)
    assert without.kv_gib - fit.kv_gib == pytest.approx(1.5)
    assert fit.cache.per_token > without.cache.per_token * (1 + 1 / 36), "EAGLE alone has a layer of 36"
    spread = model_plan(LARGE, tensor_parallel=4, engine={"speculative": EAGLE}).spec
    alone = {**EAGLE, "options": {"draft_tensor_parallel_size": 1}}
    whole = model_plan(LARGE, tensor_parallel=4, engine={"speculative": alone}).spec
    gpu = plain.pool.gpu
    assert model_fit(spread, gpu).kv_gib - model_fit(whole, gpu).kv_gib == pytest.approx(1.5 * 3 / 4)
    assert fit.kv_gib * GIB > 0


def test_the_server_reads_the_draft_that_the_job_has_fetched() -> None:
    options = {"draft_tensor_parallel_size": 1}
    engine = served(LARGE, engine={"speculative": {**EAGLE, "revision": "v2", "options": options}})
    job = engine.one(JOB).inputs["spec"]["template"]["spec"]["containers"][0]["args"]
    at = job.index("--beside")
    assert job[at + 1 : at + 4] == ["acme/eagle", "v2", "beside/acme/eagle/v2"]
    words = container(engine)["args"]
    assert json.loads(words[words.index("--speculative-config") + 1]) == {
        "model": "/models/beside/acme/eagle/v2",
        "method": "eagle3",
        "num_speculative_tokens": 3,
        "draft_tensor_parallel_size": 1,
    }
