"""Alerts about GPUs and certificates: each fires, stays silent, and resolves, in the real promtool."""

from pathlib import Path

from support.platform_series import CALM, EVALUATED, EXPIRES, GPU, GPUS, GROUPS, HOST, ISSUED, TEMPERATURE, without
from support.rules import ENVIRONMENT, Case, alerts, hold, run, written

CASES = [
    Case("all is well", CALM, {"0m": {}, "60m": {}, "470m": {}}),
    Case(
        "a GPU falls off the bus",
        {**CALM, 'DCGM_EXP_XID_ERRORS_COUNT{Hostname="n1",gpu="0",xid="79"}': "_x30 1x5 stale"},
        {"29m": {}, "33m": {"GpuError": {**GPU, "xid": "79", "says": "GPU 0 of n1 reports Xid 79."}}, "50m": {}},
    ),
    Case(
        "an application causes an error",
        {**CALM, 'DCGM_EXP_XID_ERRORS_COUNT{Hostname="n1",gpu="0",xid="31"}': "1x60"},
        {"30m": {}},
    ),
    Case(
        "memory is lost",
        {**CALM, 'DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{Hostname="n1",gpu="0"}': "0x30 1x200"},
        {
            "30m": {},
            "40m": {"GpuMemoryErrors": {**GPU, "says": "GPU 0 of n1 has lost memory contents: double-bit errors."}},
            "120m": {},
        },
    ),
    Case(
        "rows cannot be replaced, until the node is",
        {**CALM, 'DCGM_FI_DEV_ROW_REMAP_FAILURE{Hostname="n1",gpu="0"}': "0x30 1x30 stale"},
        {
            "34m": {},
            "40m": {
                "GpuRowsNotRemapped": {
                    **GPU,
                    "says": "GPU 0 of n1 cannot replace rows of its memory: have it exchanged.",
                }
            },
            "70m": {},
        },
    ),
    Case(
        "a GPU is too hot, and slowed down",
        {
            **without(TEMPERATURE),
            TEMPERATURE: "60x30 95x40 60x200",
            'DCGM_FI_DEV_THERMAL_VIOLATION{Hostname="n1",gpu="0"}': "0x30 0+1000000x40 40000000x200",
        },
        {
            "35m": {},
            "42m": {"GpuHot": {**GPU, "says": "GPU 0 of n1 has 95 degrees Celsius."}},
            "60m": {
                "GpuHot": {**GPU, "says": "GPU 0 of n1 has 95 degrees Celsius."},
                "GpuThrottled": {**GPU, "says": "GPU 0 of n1 is slowed down for its heat."},
            },
            "90m": {},
        },
    ),
    Case(
        "a node offers no GPU for half an hour",
        {**without(GPUS), GPUS: "1x30 0x30 1x200"},
        {
            "44m": {},
            "50m": {
                "GpuNodeWithoutGpus": {
                    "node": "n1",
                    "pool": "gpu",
                    "environment": ENVIRONMENT,
                    "says": "Node n1 of pool gpu is ready and offers no GPU.",
                }
            },
            "62m": {},
        },
    ),
    Case(
        "no exporter tells of GPUs for half an hour",
        {**without(TEMPERATURE), TEMPERATURE: "60x30 stale _x29 60x200"},
        {
            "44m": {},
            "50m": {"GpuMetricsMissing": {"says": "1 nodes offer GPUs, and no exporter tells of any."}},
            "65m": {},
        },
    ),
    Case(
        "a certificate nears its end, and is renewed",
        {**without(EXPIRES), EXPIRES: "1209600x120 7776000x200"},
        {
            "30m": {},
            "80m": {
                "CertificateNotRenewed": {
                    **HOST,
                    "says": "Certificate host ends in 13d 22h 40m 0s, and is not renewed.",
                }
            },
            "122m": {},
        },
    ),
    Case(
        "a certificate ends within days",
        {**without(EXPIRES), EXPIRES: "259200x120 7776000x200"},
        {
            "20m": {
                "CertificateExpiresSoon": {
                    **HOST,
                    "says": "Certificate host ends within three days: 2d 23h 40m 0s are left.",
                }
            },
            "122m": {},
        },
    ),
    Case(
        "a certificate is not issued",
        {
            **without(ISSUED),
            ISSUED: "0x90 1x90",
        },
        {
            "59m": {},
            "70m": {"CertificateNotReady": {**HOST, "says": "Certificate host is not issued."}},
            "95m": {},
        },
    ),
    Case(
        "a model gets worse, and better again",
        {
            **CALM,
            f"llmplatform_evaluation_value{{{EVALUATED}}}": "0.8x30 0.6x30 0.8x60",
            f'llmplatform_evaluation_bound{{{EVALUATED},side="least"}}': "0.7x120",
            'llmplatform_evaluation_value{namespace="models",model="chat",metric="perplexity"}': "6x30 9x30 6x60",
            'llmplatform_evaluation_bound{namespace="models",model="chat",metric="perplexity",side="most"}': "7x120",
        },
        {
            "29m": {},
            "40m": {
                "ModelQualityBelowBound": [
                    {
                        "namespace": "models",
                        "model": "chat",
                        "metric": "accuracy",
                        "says": "accuracy of chat is 0.6, beyond its bound.",
                    },
                    {
                        "namespace": "models",
                        "model": "chat",
                        "metric": "perplexity",
                        "says": "perplexity of chat is 9, beyond its bound.",
                    },
                ]
            },
            "62m": {},
        },
    ),
]


def test_promtool_takes_the_rules(tmp_path: Path) -> None:
    assert "SUCCESS" in run("check", "rules", "--lint-fatal", written(GROUPS, tmp_path))


def test_these_alerts_fire_and_no_others(tmp_path: Path) -> None:
    hold(GROUPS, CASES, tmp_path)


def test_every_alert_about_the_platform_fires_and_resolves() -> None:
    for name in alerts([group for group in GROUPS if group.name != "capacity"]):
        moments = [[name in fired for fired in case.moments.values()] for case in CASES]
        assert any(True in found and not found[-1] for found in moments), f"{name} does not both fire and resolve"
