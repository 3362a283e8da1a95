"""The real Alertmanager with rendered configurations: what it takes, and which receiver gets which alert."""

import itertools
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from support.alertmanager import Running, programs, run, running

from llmplatform.addons.alerting import configuration
from llmplatform.specs.addons import Alerts, MailServer, Receiver

DOCS = Path(__file__).parents[2] / "docs"
KINDS = get_args(Receiver.model_fields["kind"].annotation)
MAIL = MailServer(server="smtp.example.org", username="alerts", sender="a@example.org", to=("b@example.org",))
DOWN = {"alertname": "ModelDown", "severity": "critical", "namespace": "models", "model": "a"}


def receiver(kind: Any) -> dict[str, Any]:
    return {"kind": kind, "email": MAIL if kind == "email" else None}


def alert(ends: datetime | None = None, **labels: str) -> dict[str, Any]:
    return {
        "labels": {"environment": "prod", **labels},
        "annotations": {"summary": f"{labels['alertname']} of {labels.get('model', 'a node')}.", "runbook_url": "page"},
        **({"endsAt": ends.isoformat()} if ends else {}),
    }


def shortened(alerts: Alerts) -> dict[str, Any]:
    """Its configuration with seconds in the place of minutes."""
    config = configuration(alerts, ["warm-gpu"])
    config["route"] |= {"group_wait": "1s", "group_interval": "3s"}
    for route in config["route"]["routes"]:
        if "repeat_interval" in route:
            route |= {"group_interval": "2s", "repeat_interval": "1s"}
    return config


def test_amtool_takes_every_configuration(tmp_path: Path) -> None:
    pages = [None, *(Receiver(**receiver(kind)) for kind in KINDS)]
    files: list[Path] = []
    for kind, page, heartbeat, names in itertools.product(KINDS, pages, (False, True), ((), ("warm-gpu", "warm-cpu"))):
        alerts = Alerts(**receiver(kind), pages=page, heartbeat=heartbeat)
        files.append(tmp_path / f"{len(files)}.yml")
        files[-1].write_text(yaml.safe_dump(configuration(alerts, names)))
    assert (
        run(programs()["amtool"], "check-config", *files).count("SUCCESS")
        == len(files)
        == 2 * 2 * len(KINDS) * (len(KINDS) + 1)
    )


def test_amtool_refuses_what_alertmanager_does_not_know(tmp_path: Path) -> None:
    config = configuration(Alerts(kind="webhook"))
    config["receivers"][1]["webhook_configs"][0]["payloads"] = {}
    (tmp_path / "bad.yml").write_text(yaml.safe_dump(config))
    with pytest.raises(AssertionError, match="payloads"):
        run(programs()["amtool"], "check-config", tmp_path / "bad.yml")


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """It has been told of alerts of each severity, and had the time to repeat itself."""
    wanted = Alerts(kind="webhook", pages=Receiver(kind="webhook"), heartbeat=True)
    with running(shortened(wanted), tmp_path_factory.mktemp("alertmanager")) as started:
        started.tell(
            alert(alertname="Watchdog", severity="none"),
            alert(**DOWN),
            alert(alertname="ModelErrors", severity="warning", namespace="models", model="a"),
            alert(alertname="ModelQueueGrows", severity="warning", namespace="models", model="b"),
            alert(alertname="GpuError", severity="warning", Hostname="n1", gpu="0"),
            alert(alertname="GpuError", severity="warning", Hostname="n1", gpu="1"),
            alert(alertname="AutoscalerGetsNoMachines", severity="info", reason="x"),
            alert(alertname="KubePodNotReady", severity="warning", namespace="models", pod="warm-gpu-7d9c-x2x1z"),
        )
        time.sleep(9)
        yield started


def names(body: dict[str, Any]) -> list[str]:
    return sorted(each["labels"]["alertname"] for each in body["alerts"])


def test_a_page_comes_once(alertmanager: Running) -> None:
    assert [names(body) for body in alertmanager.sent("pages")] == [["ModelDown"]]


def test_warnings_come_once_and_grouped_and_notes_not_at_all(alertmanager: Running) -> None:
    """ModelErrors follows from ModelDown; a placeholder without a node is as it should be."""
    sent = sorted(names(body) for body in alertmanager.sent("address"))
    assert sent == [["GpuError", "GpuError"], ["ModelQueueGrows"]]


def test_the_heartbeat_goes_on(alertmanager: Running) -> None:
    beats = [names(body) for body in alertmanager.sent("heartbeat")]
    assert len(beats) >= 3
    assert {tuple(beat) for beat in beats} == {("Watchdog",)}


def test_the_end_of_a_page_is_told_to_the_same_receiver(alertmanager: Running) -> None:
    before = len(alertmanager.sent("address"))
    alertmanager.tell(alert(datetime.now(UTC) - timedelta(seconds=1), **DOWN))
    alertmanager.awaits(lambda: len(alertmanager.sent("pages")) == 2, "no end is told")
    assert alertmanager.sent("pages")[-1]["status"] == "resolved"
    alertmanager.awaits(lambda: len(alertmanager.sent("address")) > before, "what it held back is not told")
    assert names(alertmanager.sent("address")[-1]) == ["ModelErrors"]


def test_the_runbooks_trial_reaches_the_receiver_of_pages(alertmanager: Running) -> None:
    said = (DOCS / "runbooks/README.md").read_text()
    (words,) = re.findall(r"-- amtool --alertmanager.url=\S+ (.*)", said)
    run(programs()["amtool"], f"--alertmanager.url={alertmanager.address}", *words.split())
    alertmanager.awaits(lambda: ["Test"] in [names(body) for body in alertmanager.sent("pages")], "no page came")


@pytest.mark.parametrize("kind", ["dingtalk", "wecom", "feishu"])
def test_the_message_to_a_robot_is_filled(kind: Any, tmp_path: Path) -> None:
    with running(shortened(Alerts(kind=kind)), tmp_path) as started:
        started.tell(alert(alertname="GpuError", severity="warning", Hostname="n1", gpu="0"))
        started.awaits(lambda: bool(started.sent("address")), "no message came")
    (body,) = started.sent("address")
    text = "FIRING warning GpuError prod\nGpuError of a node. page\n"
    if kind == "feishu":
        assert body == {"msg_type": "text", "content": {"text": text}}
    else:
        assert body == {"msgtype": "text", "text": {"content": text}}
