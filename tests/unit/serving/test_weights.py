import ast
import dataclasses
from typing import Any

import pytest
from support.plans import SPOT_FIRST, model_plan

from llmplatform.serving import Hydration, HydrationArgs, hydrators, weights
from llmplatform.serving.weights import Weights, WeightsArgs
from llmplatform.specs.mirrors import Mirrors
from llmplatform.testing import RecordingEngine

JOB = "kubernetes:batch/v1:Job"
SECRET = "kubernetes:core/v1:Secret"
MODELSCOPE = Mirrors(models="modelscope")
MIRRORED = Mirrors(huggingface="https://hub.example.org:8443")


def hydrated(*, args: dict[str, Any] | None = None, **settings: Any) -> RecordingEngine:
    plan = model_plan(SPOT_FIRST, **settings)
    wiring = {"namespace": "models", "hydration": "hydration.test", **(args or {})}
    return RecordingEngine().run(lambda: Weights("chat-weights", WeightsArgs(plan=plan, **wiring)))


def job(engine: RecordingEngine) -> dict[str, Any]:
    return engine.one(JOB).inputs["spec"]


def words(engine: RecordingEngine) -> list[str]:
    return job(engine)["template"]["spec"]["containers"][0]["args"]


def value_of(flag: str, engine: RecordingEngine) -> str:
    return words(engine)[words(engine).index(flag) + 1]


def test_a_revision_is_a_folder_of_its_own() -> None:
    assert value_of("--target", hydrated()) == "huggingface/Qwen/Qwen3-8B/main"
    assert value_of("--target", hydrated(revision="refs/pr/7")) == "huggingface/Qwen/Qwen3-8B/refs%2Fpr%2F7"
    older = {"source": "zai-org/chatglm3-6b", "trust_remote_code": True, "engine": {"version": "0.6.6.post1"}}
    found = hydrated(args={"mirrors": MODELSCOPE, "region": "cn-hangzhou"}, **older)
    assert value_of("--source", found) == "ZhipuAI/chatglm3-6b", "the hub knows no other"
    assert value_of("--target", found) == "modelscope/ZhipuAI/chatglm3-6b/master"
    assert value_of("--region", found) == "cn-hangzhou", "ModelScope sends it to storage of the same region"


def test_another_revision_is_another_job_and_the_same_settings_are_the_same_one() -> None:
    names = {hydrated(revision=revision).one(JOB).inputs["metadata"]["name"] for revision in (None, "a" * 40, "v1")}
    assert len(names) == 3, "a Job cannot be changed"
    again = hydrated(revision="v1", replicas=3).one(JOB).inputs["metadata"]["name"]
    assert again in names, "an update that changes nothing of it must not make it again"


def test_a_vocabulary_from_elsewhere_comes_with_the_weights() -> None:
    """tiktoken 0.14.0, `openai_public.o200k_base`."""
    large = {"instance_types": ["p4d.24xlarge"], "max": 1}
    plan = model_plan(large, source="openai/gpt-oss-120b", tensor_parallel=8)
    wired = WeightsArgs(plan=plan, namespace="models", hydration="hydration.test")
    found = value_of("--extra", RecordingEngine().run(lambda: Weights("chat-weights", wired)))
    digest = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
    place = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    assert found == f".extras/o200k_base.tiktoken={digest}={place}"


def test_an_ended_job_stays() -> None:
    assert "ttlSecondsAfterFinished" not in job(hydrated()), (
        "a refresh would miss it, and the next update make it again"
    )


def test_a_job_that_is_not_complete_is_made_anew_by_the_next_update_whatever_the_token() -> None:
    """pulumi-kubernetes 4.34.2, provider/pkg/provider, `Diff`: else it waits for what has failed for good."""
    found = [hydrated(args={"token": token}, gated=True).one(JOB) for token in ("hf_first", "hf_second")]
    assert found[0].inputs["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}
    assert found[0].inputs == found[1].inputs, "what is derived from a token would lie in the state in clear"


def test_the_job_ends_before_the_update_that_waits_for_it_and_nothing_else_ends_a_download() -> None:
    """An update would wait for good for a pod that fits nowhere, or whose image is not there.

    pulumi-kubernetes, provider/pkg/await/job.go, `Await`: each event starts its time anew, and informers/factory.go,
    `ForNamespace`, makes one a minute.
    """
    engine = hydrated()
    deadline = job(engine)["activeDeadlineSeconds"]
    assert deadline >= model_plan().start.node_seconds + 900, "a node, and the shortest time for weights"
    assert [int(wait.removesuffix("s")) > deadline for wait in engine.one(JOB).waits] == [True, True]
    container = job(engine)["template"]["spec"]["containers"][0]
    assert not [key for key in container if key.endswith("Probe")], "nothing is known of a download from outside"


def deadline_after(seconds: int) -> int:
    plan = dataclasses.replace(model_plan(SPOT_FIRST), hydration_seconds=seconds)
    wired = WeightsArgs(plan=plan, namespace="models", hydration="hydration.test")
    return job(RecordingEngine().run(lambda: Weights("chat-weights", wired)))["activeDeadlineSeconds"]


def test_the_deadline_of_an_ended_job_stays_when_the_stack_gets_another_small_model() -> None:
    alone, beside, long = map(deadline_after, (900, 1500, 100_000))
    assert alone == beside == 3600
    node = model_plan(SPOT_FIRST).start.node_seconds
    assert 100_000 + node <= long <= 100_000 + node + 3600


def test_a_refusal_ends_the_job_with_its_words_and_what_another_try_can_mend_costs_none() -> None:
    """Of the reasons of an end pulumi-kubernetes knows `BackoffLimitExceeded` and `DeadlineExceeded` alone.

    provider/pkg/await/checker/job/check.go, `collectJobConditionErrors`. Kubernetes, "Pod failure policy": what no rule
    names counts, and it needs `restartPolicy: Never`.
    """
    spec = job(hydrated())
    assert spec["backoffLimit"] == 0
    lost, again = spec["podFailurePolicy"]["rules"]
    assert lost == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    ends = {"containerName": "hydration", "operator": "In", "values": [4, 137, 143]}
    assert again == {"action": "Ignore", "onExitCodes": ends}
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["containers"][0]["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_another_failure_policy_is_another_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubernetes 1.35, pkg/apis/batch/validation, `ValidateJobSpecUpdate`: it cannot change, nor can the template."""
    before = hydrated().one(JOB).inputs["metadata"]["name"]
    monkeypatch.setattr(weights, "_RETRIED", (4,))
    assert hydrated().one(JOB).inputs["metadata"]["name"] != before


def test_the_autoscaler_does_not_take_the_node_of_a_download() -> None:
    annotations = job(hydrated())["template"]["metadata"]["annotations"]
    assert annotations == {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}


def test_it_needs_no_gpu_and_goes_where_nothing_has_to_be_tolerated() -> None:
    pod = job(hydrated())["template"]["spec"]
    assert "nvidia.com/gpu" not in pod["containers"][0]["resources"]["requests"]
    assert not pod.get("tolerations")


def shared(mirrors: Mirrors) -> RecordingEngine:
    args = HydrationArgs(objects="hydration.dev", namespace="models", mirrors=mirrors)
    return RecordingEngine().run(lambda: Hydration("hydration", args))


def test_only_what_hydrates_reaches_the_hub() -> None:
    policy = shared(Mirrors()).named("hydration-network").inputs["spec"]
    assert "ingress" not in policy
    (_, rule) = policy["egress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 443}]
    assert rule["to"][0]["ipBlock"]["except"] == ["169.254.0.0/16", "100.100.100.200/32"], "credentials of the node"
    labels = job(hydrated())["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    (_, rule) = shared(MIRRORED).named("hydration-network").inputs["spec"]["egress"]
    assert [port["port"] for port in rule["ports"]] == [443, 8443]


@pytest.mark.parametrize(
    ("settings", "mirrors", "given"),
    [
        ({}, Mirrors(), True),
        ({"gated": True}, Mirrors(), True),
        ({}, MIRRORED, False),
        ({"gated": True}, MIRRORED, True),
        ({}, MODELSCOPE, False),
    ],
)
def test_the_hub_is_shown_the_token_and_others_only_where_there_is_no_other_way(
    settings: dict[str, Any], mirrors: Mirrors, given: bool
) -> None:
    """Nameless callers behind one address are limited first: ai-dynamo/dynamo#874, huggingface_hub#3312."""
    engine = hydrated(args={"token": "hf_do_not_print", "mirrors": mirrors}, **settings)
    assert bool(engine.all(SECRET)) == given
    assert ("--token-file" in words(engine)) == given
    assert all(secret.secrets == {"stringData"} for secret in engine.all(SECRET))


def test_a_gated_model_without_a_token_is_refused() -> None:
    with pytest.raises(ValueError, match=r"set secrets\.huggingface_token"):
        hydrated(gated=True)


def test_the_pod_passes_the_strictest_pod_security() -> None:
    pod = job(hydrated())["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    context = pod["containers"][0]["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True


def test_a_larger_model_does_not_replace_the_volume() -> None:
    claim = hydrated().named("chat-weights-volume")
    assert claim.ignore_changes == ("spec.resources",), "the deletion would hang until the last pod is gone"


def test_the_program_keeps_its_name_through_upgrades() -> None:
    found = shared(Mirrors()).one("kubernetes:core/v1:ConfigMap").inputs
    assert found["metadata"]["name"] == "hydration.dev", "another name would start every server anew"
    assert sum(map(len, found["data"].values())) < 200_000, "a ConfigMap holds 1 MiB"


def test_the_program_needs_nothing_but_python() -> None:
    modules = hydrators.modules()
    own = {f"llmplatform.serving.hydration.{name.removesuffix('.py')}" for name in modules}
    for name, text in modules.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("llmplatform"):
                assert node.module in {*own, "llmplatform.serving.hydration"}, f"{name} imports {node.module}"
