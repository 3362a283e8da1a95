"""Charts' archives are there before an update makes anything; what is asked for is what is installed, and no more."""

import gzip
import hashlib
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import pulumi
import pytest
from support.existing_things import told
from support.program import ROOT, STACKS, run_program, stack_config

from llmplatform.catalog.versions import CHARTS, NO_ARCHIVES
from llmplatform.checks import parse, parse_platform_ref
from llmplatform.checks.archives import unfit_archives
from llmplatform.cli.charts_lock import Lock
from llmplatform.planning import plan_pools
from llmplatform.planning.charts import plan_charts
from llmplatform.testing import RecordingEngine

ARCHIVE = gzip.compress(b"a chart", mtime=0)
RELEASE = "kubernetes:helm.sh/v3:Release"
SWITCHED = [
    *((stack, addon) for stack in ("dev", "dev-ack") for addon in ("cert_manager", "monitoring")),
    ("dev-ack", "gpu_metrics"),
]
"""Stacks and add-ons that they can do without."""


def planned(config: dict[str, Any]) -> set[str]:
    stack = parse({key.removeprefix("llmplatform:"): value for key, value in config.items()})
    return {chart.archive for chart in plan_charts(stack, plan_pools(stack))}


def installed(config: dict[str, Any], stack: str) -> set[str]:
    return {Path(each.inputs["chart"]).name for each in run_program(config, stack).all(RELEASE)}


@pytest.mark.parametrize("stack", STACKS)
def test_the_planned_charts_of_a_committed_stack_are_those_that_the_program_installs(stack: str) -> None:
    config = stack_config(stack)
    assert planned(config) == installed(config, stack)


@pytest.mark.parametrize(("stack", "addon"), SWITCHED)
def test_an_addon_that_is_switched_off_needs_no_chart(stack: str, addon: str) -> None:
    config = deepcopy(stack_config(stack))
    config["llmplatform:addons"][addon] = {"enabled": False}
    if addon == "cert_manager":
        del config["llmplatform:addons"]["gateway"]
        config["llmplatform:services"]["milvus"]["tls"] = False
    assert planned(config) == installed(config, stack) < planned(stack_config(stack))


def test_a_stack_without_gpus_needs_no_chart_for_them() -> None:
    config = deepcopy(stack_config("dev"))
    del config["llmplatform:pools"]["gpu"], config["llmplatform:models"]
    assert planned(config) == installed(config, "dev") < planned(stack_config("dev"))


@pytest.fixture
def infra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(NO_ARCHIVES, raising=False)
    return shutil.copytree(ROOT / "infra", tmp_path / "infra", ignore=shutil.ignore_patterns("__pycache__"))


def test_an_update_without_archives_is_refused_before_anything_is_made(
    infra: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (infra.parent / ".charts").mkdir()
    (infra.parent / ".charts" / CHARTS["cert-manager"].archive).write_bytes(ARCHIVE)
    engine = RecordingEngine(stack="dev")
    monkeypatch.setattr("support.program.RecordingEngine", lambda **_: engine)
    with pytest.raises(pulumi.RunError) as refused:
        run_program(stack_config("dev"), "dev", main=infra, archives=True)
    assert set(str(refused.value).splitlines()) == {
        f".charts/{name}: there is no such archive; run `llmplatform charts pull`"
        for name in planned(stack_config("dev")) - {CHARTS["cert-manager"].archive}
    }
    assert engine.registered == [], "nothing was made"


def test_an_update_with_all_archives_of_its_own_goes_on(infra: Path) -> None:
    (infra.parent / ".charts").mkdir()
    for name in planned(stack_config("dev")):
        (infra.parent / ".charts" / name).write_bytes(ARCHIVE)
    assert run_program(stack_config("dev"), "dev", main=infra, archives=True).all(RELEASE)


def test_a_preview_without_archives_says_so_before_the_provider_opens_them(infra: Path) -> None:
    """It does as soon as the kubeconfig is known (pulumi-kubernetes helm_release.go, Check): `path … not found`."""
    with pytest.raises(pulumi.RunError) as refused:
        run_program(stack_config("dev"), "dev", main=infra, preview=True, archives=True)
    assert len(str(refused.value).splitlines()) == len(planned(stack_config("dev")))


DIGEST = hashlib.sha256(ARCHIVE).hexdigest()
OTHER = gzip.compress(b"another chart of that name")


@pytest.mark.parametrize(
    ("data", "lock", "said"),
    [
        (OTHER, True, f"its SHA-256 is {hashlib.sha256(OTHER).hexdigest()}, and charts.lock has {DIGEST}"),
        (ARCHIVE[:-9], False, "it is damaged: the archive ends early"),
        (b"", False, "it is damaged: the archive is empty"),
        (b"<html>", False, "it is damaged, or cannot be read (not gzip)"),
        (ARCHIVE, True, ""),
        (OTHER, False, ""),
    ],
    ids=["swapped", "truncated", "empty", "a page", "recorded", "by hand"],
)
def test_what_is_installed_is_what_was_recorded(tmp_path: Path, data: bytes, lock: bool, said: str) -> None:
    """Helm itself checks no digest of a local archive, and a Release keeps none in the state."""
    chart, folder = CHARTS["cert-manager"], tmp_path / ".charts"
    folder.mkdir()
    (folder / chart.archive).write_bytes(data)
    if lock:
        kept = Lock(tmp_path / "charts.lock")
        kept.admit(chart, ARCHIVE)
        kept.write()
    found = [str(each) for each in unfit_archives((chart,), folder)]
    expected = f".charts/{chart.archive}: {said}; run `llmplatform charts pull`, which fetches it anew"
    assert found == ([expected] if said else [])


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', "[" * 5000])
def test_a_lock_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "charts.lock").write_text(text)
    [problem] = unfit_archives((CHARTS["cert-manager"],), tmp_path / ".charts")
    assert str(problem).startswith("charts.lock: it is not ")
    assert str(problem).endswith("; restore the committed file")


def test_models_on_an_existing_platform_need_no_archive(infra: Path) -> None:
    own = {key: stack_config("dev")[key] for key in ("llmplatform:environment", "llmplatform:models")}
    sections = {f"llmplatform:{key}": value for key, value in parse_platform_ref(told("dev")).sections().items()}
    assert run_program({**own, **sections}, "dev", main=infra, archives=True).all("kubernetes:apps/v1:Deployment")
