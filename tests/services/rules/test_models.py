"""Alerts about models: each fires, stays silent, and resolves, in the real promtool."""

from pathlib import Path

import pytest
from support.rules import ENVIRONMENT, NAMESPACE, Case, alerts, hold, kube, models, pod, run, written
from support.rules import served as of_model

MODEL = {"source": "Qwen/Qwen3-8B", "pool": "gpu", "context_length": 8192, "replicas": 2}
GROUPS = models({"chat": MODEL})
PATIENCE = int(str(alerts(GROUPS)["ModelReplicasMissing"].lasts).removesuffix("s")) // 60 + 1
"""Minutes that a start may take."""
OF = {"namespace": NAMESPACE, "model": "chat"}
OURS = {**OF, "environment": ENVIRONMENT}
"""Labels of a record of ours."""
DOWN = {**OF, "says": "No replica of chat is ready."}
READY = {**pod("chat-1", "chat"), **pod("chat-2", "chat")}
UNKNOWN = {"says": "kube-state-metrics tells no pod of a model, so that no alert about replicas can fire."}
VOLUME = f'{{namespace="{NAMESPACE}",persistentvolumeclaim="weights",node="n1"}}'
STUCK = {**OURS, "pod": "chat-1", "says": "chat-1 of chat has requests, and computes no token."}
FEWER = {
    **OURS,
    "says": "chat has fewer replicas than its settings ask for, for longer than a start may take.",
}
BURNS = {
    **OURS,
    "objective": "availability",
    "says": "chat misses its objective for availability: the month's budget is gone within days.",
}
WASTES = {
    **OURS,
    "objective": "availability",
    "says": "chat misses its objective for availability: the month's budget will not last.",
}


def served(number: int, name: str, values: str) -> dict[str, str]:
    return dict(of_model("chat", number, name, values))


CASES = [
    Case("every replica is ready", READY, {"0m": {}, "30m": {}, "239m": {}}),
    Case(
        "all replicas vanish, and come back",
        {**pod("chat-1", "chat", ready="1x9 0x19 1x200"), **pod("chat-2", "chat", ready="1x9 0x19 1x200")},
        {"9m": {}, "11m": {}, "12m": {"ModelDown": DOWN}, "29m": {"ModelDown": DOWN}, "30m": {}, "60m": {}},
    ),
    Case(
        "the pods are deleted, and no others are made",
        {
            **pod("chat-1", "chat", ready="1x9 stale", there="1x9 stale"),
            **pod("other-1", "other", ready="1x240"),
        },
        {
            "20m": {"ModelDown": DOWN},
            "28m": {
                "ModelDown": DOWN,
                "ModelPodsUnknown": UNKNOWN,
            },
        },
    ),
    Case(
        "one of two replicas is gone for longer than a start may take",
        {**pod("chat-1", "chat"), **pod("chat-2", "chat", ready=f"1x9 0x{PATIENCE + 20} 1x100")},
        {
            f"{PATIENCE + 5}m": {},
            f"{PATIENCE + 12}m": {"ModelReplicasMissing": FEWER},
            f"{PATIENCE + 40}m": {},
        },
    ),
    Case(
        "a model starts for the first time",
        {**pod("chat-1", "chat", ready="0x20 1x200"), **pod("chat-2", "chat", ready="0x20 1x200")},
        {"15m": {}, "40m": {}},
    ),
    Case(
        "a server has requests and computes nothing",
        {
            **READY,
            **served(1, "vllm:num_requests_running", "3x240"),
            **served(1, "vllm:generation_tokens_total", "0+600x60 36000x60 36000+600x100"),
            **served(2, "vllm:num_requests_running", "3x240"),
            **served(2, "vllm:generation_tokens_total", "0+600x240"),
        },
        {
            "60m": {},
            "70m": {},
            "78m": {"ModelServerStuck": STUCK},
            "119m": {"ModelServerStuck": STUCK},
            "125m": {},
        },
    ),
    Case(
        "an idle server computes nothing",
        {
            **READY,
            **served(1, "vllm:num_requests_running", "0x240"),
            **served(1, "vllm:generation_tokens_total", "36000x240"),
        },
        {"60m": {}, "200m": {}},
    ),
    Case(
        "requests wait",
        {
            **READY,
            **served(1, "vllm:num_requests_waiting", "0x30 14x60 4x100"),
            **served(2, "vllm:num_requests_waiting", "0x30 6x60 4x100"),
        },
        {
            "30m": {},
            "40m": {},
            "42m": {"ModelQueueGrows": {**OF, "says": "10 requests wait for each server of chat."}},
            "90m": {"ModelQueueGrows": {**OF, "says": "10 requests wait for each server of chat."}},
            "93m": {},
        },
    ),
    Case(
        "a cache is full",
        {
            **READY,
            **served(1, "vllm:kv_cache_usage_perc", "0.5x30 0.95x60 0.85x100"),
            **served(2, "vllm:kv_cache_usage_perc", "0.2x240"),
        },
        {
            "44m": {},
            "47m": {
                "ModelCacheFull": {
                    **OURS,
                    "says": "The key-value cache of a server of chat is full to 95%.",
                }
            },
            "93m": {},
        },
    ),
    Case(
        "requests are interrupted for want of cache",
        {**READY, **served(1, "vllm:num_preemptions_total", "0x30 0+30x60 1800x100")},
        {
            "30m": {},
            "60m": {
                "ModelPreemptions": {
                    **OURS,
                    "says": "chat interrupts 500m requests a second, and computes them anew.",
                }
            },
            "120m": {},
        },
    ),
    Case(
        "a tenth of the requests fails",
        {
            **READY,
            **served(1, 'vllm:request_success_total{finished_reason="stop"}', "0+54x240"),
            **served(1, 'http_requests_total{status="5xx"}', "0x30 0+6x60 360x100"),
            **served(1, 'http_requests_total{status="2xx"}', "0+54x240"),
        },
        {
            "30m": {},
            "50m": {
                "ModelErrors": {
                    **OURS,
                    "says": "10% of the requests to chat end with an error of the server.",
                },
                "ModelObjectiveBurnsFast": BURNS,
                "ModelObjectiveBurnsSlowly": WASTES,
            },
            "170m": {"ModelObjectiveBurnsSlowly": WASTES},
        },
    ),
    Case(
        "a container is killed for its memory, again and again",
        {
            **pod("chat-1", "chat"),
            **pod("chat-2", "chat"),
            **kube("kube_pod_container_status_restarts_total", "chat-1", "0x30 1+1x10 11x120", container="server"),
            **kube(
                "kube_pod_container_status_last_terminated_reason",
                "chat-1",
                "_x30 1x130",
                container="server",
                reason="OOMKilled",
            ),
        },
        {
            "30m": {},
            "40m": {
                "ModelStartFailing": {**OF, "reason": "OOMKilled", "says": "Pods of chat do not start: OOMKilled."}
            },
            "90m": {},
        },
    ),
    Case(
        "a container crashes at its start, and waits in between",
        {
            **READY,
            **kube(
                "kube_pod_container_status_waiting_reason",
                "chat-2",
                "_x29 1x2 _x4 1x4 stale _x120",
                container="server",
                reason="CrashLoopBackOff",
            ),
        },
        {
            "29m": {},
            "37m": {
                "ModelStartFailing": {
                    **OF,
                    "reason": "CrashLoopBackOff",
                    "says": "Pods of chat do not start: CrashLoopBackOff.",
                }
            },
            "60m": {},
        },
    ),
    Case(
        "a download fails, and a later one succeeds",
        {
            **READY,
            **pod("chat-weights-a", "chat", kind="model-weights", ready="0x240"),
            **pod("chat-weights-b", "chat", kind="model-weights", ready="_x60 0x180", there="_x60 1x180"),
            **kube("kube_pod_status_phase", "chat-weights-a", "0x20 1x220", phase="Failed"),
            **kube("kube_pod_status_phase", "chat-weights-b", "_x60 0x30 1x150", phase="Succeeded"),
        },
        {
            "20m": {},
            "35m": {
                "ModelDownloadFailing": {
                    **OF,
                    "says": "The download of weights of chat has failed, and none has succeeded since.",
                }
            },
            "95m": {},
        },
    ),
    Case(
        "a volume of weights fills up, and is cleared",
        {
            **READY,
            f"kubelet_volume_stats_capacity_bytes{VOLUME}": "100x240",
            f"kubelet_volume_stats_available_bytes{VOLUME}": "10x30 2x60 10x150",
        },
        {
            "30m": {},
            "60m": {
                "ModelVolumeFull": {
                    "namespace": NAMESPACE,
                    "persistentvolumeclaim": "weights",
                    "says": f"Volume weights in {NAMESPACE} is full to 98%.",
                }
            },
            "95m": {},
        },
    ),
    Case(
        "kube-state-metrics does not tell models apart",
        {f'kube_pod_status_ready{{namespace="{NAMESPACE}",pod="chat-1",condition="true"}}': "1x60"},
        {
            "10m": {},
            "17m": {"ModelPodsUnknown": UNKNOWN},
        },
    ),
    Case(
        "kube-state-metrics is away",
        {**pod("chat-1", "chat", ready="1x9 stale", there="1x9 stale")},
        {"12m": {}, "20m": {}},
    ),
]


def test_promtool_takes_the_rules(tmp_path: Path) -> None:
    assert "SUCCESS" in run("check", "rules", "--lint-fatal", written(GROUPS, tmp_path))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_these_alerts_fire_and_no_others(case: Case, tmp_path: Path) -> None:
    hold(GROUPS, [case], tmp_path)


def test_every_alert_about_models_fires_and_resolves() -> None:
    for name in alerts(GROUPS):
        moments = [[name in fired for fired in case.moments.values()] for case in CASES]
        assert any(True in found for found in moments), f"{name} fires in no case"
        if name != "ModelPodsUnknown" and not name.startswith("ModelObjective"):
            assert any(True in found and not found[-1] for found in moments), f"{name} resolves in no case"
