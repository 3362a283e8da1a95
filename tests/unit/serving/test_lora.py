"""LoRA adapters on their way from the settings to the server."""

from typing import Any

from support.model_servers import JOB, container, pod, served
from support.plans import SPOT_FIRST, model_plan

from llmplatform.serving.engines import vllm
from llmplatform.specs.mirrors import Mirrors

COMMIT = "a" * 40
SQL = {"source": "acme/sql", "revision": COMMIT, "rank": 12}
TONE = {"source": "acme/tone", "rank": 8, "base": "Qwen/Qwen3-8B-Base"}
TWO = {"adapters": {"sql": SQL, "chat-tone": TONE}}


def words(**settings: Any) -> list[str]:
    return container(served(SPOT_FIRST, **settings))["args"]


def after(flag: str, given: list[str], count: int = 1) -> list[str]:
    at = given.index(flag)
    return given[at + 1 : at + 1 + count]


def test_the_server_has_each_adapter_under_its_name_and_the_rank_that_holds_them() -> None:
    given = words(lora=TWO)
    assert "--enable-lora" in given
    assert after("--max-lora-rank", given) == ["16"]
    assert after("--max-loras", given) == ["2"]
    assert after("--lora-modules", given, 2) == [
        f"sql=/models/beside/acme/sql/{COMMIT}",
        "chat-tone=/models/beside/acme/tone/main",
    ]
    assert given[given.index("--lora-modules") + 3].startswith("--"), "the flag takes all words up to the next one"
    assert "--max-cpu-loras" not in given


def test_adapters_beyond_a_batch_stay_in_memory() -> None:
    assert after("--max-cpu-loras", words(lora={**TWO, "at_once": 1})) == ["2"]


def test_a_model_without_adapters_says_nothing_of_them() -> None:
    given = words()
    assert not [word for word in given if "lora" in word]
    assert "--adapter" not in served(SPOT_FIRST).one(JOB).inputs["spec"]["template"]["spec"]["containers"][0]["args"]


def test_the_job_fetches_the_adapters_with_what_the_settings_say_of_them() -> None:
    args = served(SPOT_FIRST, lora=TWO).one(JOB).inputs["spec"]["template"]["spec"]["containers"][0]["args"]
    first = args.index("--adapter")
    assert args[first + 1 : first + 6] == ["acme/sql", COMMIT, f"beside/acme/sql/{COMMIT}", "12", "Qwen/Qwen3-8B"]
    assert args[first + 6 : first + 12] == [
        "--adapter",
        "acme/tone",
        "main",
        "beside/acme/tone/main",
        "8",
        "Qwen/Qwen3-8B-Base",
    ]
    (check,) = pod(served(SPOT_FIRST, lora=TWO))["initContainers"]
    assert "acme/sql" in check["args"], "a server without one of its adapters would end when it starts"


def test_another_hub_has_another_main_branch_and_the_server_finds_the_same_folder() -> None:
    args = {"mirrors": Mirrors(models="modelscope")}
    engine = served(SPOT_FIRST, args=args, lora={"adapters": {"tone": TONE}})
    job = engine.one(JOB).inputs["spec"]["template"]["spec"]["containers"][0]["args"]
    assert after("--adapter", job, 3) == ["acme/tone", "master", "beside/acme/tone/main"]
    assert after("--lora-modules", container(engine)["args"]) == ["tone=/models/beside/acme/tone/main"]


def test_another_list_of_adapters_is_another_job() -> None:
    names = {served(SPOT_FIRST, lora=each).one(JOB).inputs["metadata"]["name"] for each in (None, TWO)}
    assert len(names) == 2


def test_clients_load_from_a_claim_that_the_pod_only_reads() -> None:
    engine = served(SPOT_FIRST, lora={"runtime": {"claim": "team-adapters"}})
    found = container(engine)
    assert {"name": "VLLM_ALLOW_RUNTIME_LORA_UPDATING", "value": "1"} in found["env"]
    assert {"name": "adapters", "mountPath": "/adapters", "readOnly": True} in found["volumeMounts"]
    claim = {"claimName": "team-adapters", "readOnly": True}
    assert {"name": "adapters", "persistentVolumeClaim": claim} in pod(engine)["volumes"]
    assert "--lora-modules" not in found["args"]
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" not in vllm.environment(model_plan(lora=TWO), weights="/models/x")
