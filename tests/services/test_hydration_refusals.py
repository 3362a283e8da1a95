"""What hydrations do with hubs that refuse, lie or want a token, and what of a model they leave at the hub."""

import hashlib
import json
import os
import signal
from pathlib import Path

import pytest
from support.hydration.hubs import FakeHub, Faults, served
from support.hydration.hydrating import FILES, TARGET, ended, exactly_the_models, found, hydrate, started

from llmplatform.serving.hydration.faults import announced_wait
from llmplatform.serving.hydration.hubs import File, needed


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [(401, 3, "licence"), (404, 3, "spelling of model and revision"), (503, 4, "nothing came for 0 s")],
)
def test_a_fault_is_told_apart_from_a_bad_moment(
    status: int, code: int, says: str, program: Path, tmp_path: Path, hub: FakeHub
) -> None:
    hub.faults.status = status
    found_code, said = hydrate(program, tmp_path, hub, "--patience", "0")
    assert found_code == code
    assert says in said.splitlines()[-1]
    assert "Traceback" not in said


@pytest.mark.parametrize("status", [401, 503])
def test_the_containers_of_a_group_wait_and_try_again_in_their_process(
    status: int, program: Path, tmp_path: Path, hub: FakeHub
) -> None:
    hub.faults.status = status
    process = started(program, tmp_path, hub, "--patience", "0", "--again", "0.2")
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(6)]
    assert [line for line in said if line.startswith("again in")], said
    assert process.poll() is None, "the group would be made anew at once, and again"
    hub.faults.status = 0
    assert ended(process)[0] == 0
    assert exactly_the_models(tmp_path)


def test_a_wait_for_another_try_ends_when_the_pod_is_told_to(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    process = started(program, tmp_path, hub, "--check", "--again", "3600")
    assert process.stdout is not None
    while not process.stdout.readline().startswith("again in"):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 4


def test_the_token_goes_to_the_hub_and_not_to_where_it_redirects(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    hub.token = "hf_x"
    (tmp_path / "token").write_text("hf_x\n")
    code, said = hydrate(program, tmp_path, hub, "--token-file", str(tmp_path / "token"))
    assert code == 0, said
    assert hub.tokens["other"] == {""}, "another host would see it, and storage refuses requests that carry two"
    assert "hf_x" not in said


def test_a_file_from_elsewhere_lies_with_the_weights_and_its_host_sees_no_token(
    program: Path, tmp_path: Path, hub: FakeHub
) -> None:
    (tmp_path / "token").write_text("hf_x")
    name = "model-00002-of-00002.safetensors"
    digest = hashlib.sha256(FILES[name]).hexdigest()
    also = ("--token-file", str(tmp_path / "token"), "--extra", f".extras/vocabulary={digest}={hub.other}/cdn/{name}")
    assert hydrate(program, tmp_path, hub, *also)[0] == 0
    assert found(tmp_path)[".extras/vocabulary"] == FILES[name]
    assert hub.tokens["other"] == {""}


def test_a_gated_model_without_a_token_is_refused_at_once(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    hub.token = "hf_x"
    code, said = hydrate(program, tmp_path, hub)
    assert code == 3
    assert "GatedRepo" in said


def test_a_server_without_ranges_is_good_enough(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    hub.faults = Faults(no_ranges=True, cut=2)
    assert hydrate(program, tmp_path, hub)[0] == 0
    assert exactly_the_models(tmp_path)


def test_a_file_that_never_comes_right_is_not_published(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    hub.faults = Faults(flipped=100)
    code, said = hydrate(program, tmp_path, hub)
    assert code == 4
    assert "with another content than the hub says" in said
    assert not (tmp_path / TARGET).exists()


def test_modelscope_is_told_the_region_of_the_machine(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    """modelscope 1.37.1, snapshot_download.py: INTRA_CLOUD_ACCELERATION_REGION becomes this header."""
    also = ("--hub", "modelscope", "--revision", "master", "--region", "cn-hangzhou")
    assert hydrate(program, tmp_path, hub, *also)[0] == 0
    sent = [{name.lower(): value for name, value in headers.items()} for headers in hub.headers]
    assert {headers["x-aliyun-region-id"] for headers in sent} == {"cn-hangzhou"}


def test_a_full_volume_is_said_before_the_first_byte(
    program: Path, tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmplatform.serving.hydration import __main__ as whole

    class NoRoom:
        f_bavail, f_frsize = 1, 4096

    monkeypatch.setattr(os, "statvfs", lambda path: NoRoom)
    words = ["--hub", "huggingface", "--source", "acme/tiny", "--revision", "main", "--endpoint", hub.address]
    assert whole.main([*words, "--root", str(tmp_path), "--target", TARGET]) == 3
    assert not hub.sent


def test_a_hub_cannot_name_files_outside_the_models_folder(program: Path, tmp_path: Path) -> None:
    with served(FakeHub({"../../escaped": b"x"})) as hostile:
        code, said = hydrate(program, tmp_path, hostile)
    assert code == 3
    assert "outside the model's folder" in said


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 50),
        ({"RateLimit": '"api";r=0;t=55'}, 55),
        ({"Retry-After": "86400"}, 300),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_a_refusal_may_say_how_long_it_lasts(headers: dict[str, str], seconds: float | None) -> None:
    """RFC 9110, 10.2.3; draft-ietf-httpapi-ratelimit-headers-09, as huggingface_hub's `parse_ratelimit_headers`."""
    assert announced_wait(headers, now=10) == seconds


def test_weights_come_in_one_format() -> None:
    def names(*paths: str) -> set[str]:
        return {file.path for file in needed([File(path, 1, "", "sha256", "") for path in paths])}

    assert names("model.safetensors", "pytorch_model.bin", "config.json") == {"model.safetensors", "config.json"}
    assert names("pytorch_model.bin", "model.pth") == {"pytorch_model.bin"}
    assert names("model.pt", "config.json") == {"model.pt", "config.json"}
    assert names("sub/model.safetensors", "pytorch_model.bin") == {"sub/model.safetensors", "pytorch_model.bin"}


ADAPTER = "beside/acme/tiny/v1"


def with_adapter(hub: FakeHub, **config: object) -> None:
    said = {"r": 16, "base_model_name_or_path": "acme/base", **config}
    hub.files = {**FILES, "adapter_config.json": json.dumps(said).encode()}


def adapter(rank: int = 16, base: str = "acme/base") -> tuple[str, ...]:
    return ("--adapter", "acme/tiny", "v1", ADAPTER, str(rank), base)


def test_an_adapter_comes_with_the_weights_and_both_are_looked_for(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    with_adapter(hub, rank_pattern={"q_proj": 32}, use_dora=False, modules_to_save=["score"], bias="none")
    code, said = hydrate(program, tmp_path, hub, *adapter(32))
    assert code == 0, said
    assert "adapter_config.json" in found(tmp_path, ADAPTER)
    assert set(FILES) & set(found(tmp_path)) == set(FILES) & set(found(tmp_path, ADAPTER))
    assert hydrate(program, tmp_path, hub, *adapter(32), "--check")[0] == 0
    (tmp_path / ADAPTER / "config.json").unlink()
    code, said = hydrate(program, tmp_path, hub, *adapter(32), "--check")
    assert code == 4
    assert f"{ADAPTER} does not hold acme/tiny at v1" in said


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"r": 64}, "its rank is 64, and the settings say 16: write rank: 64"),
        ({"rank_pattern": {"q_proj": 32}}, "its rank is 32, and the settings say 16"),
        ({"base_model_name_or_path": "acme/other"}, "it was trained on 'acme/other', and the model is 'acme/base'"),
        ({"r": None}, "it has no adapter_config.json of a LoRA adapter"),
        ({"use_dora": True}, "it is a DoRA adapter, which servers do not take: train it without use_dora, or merge it"),
        ({"modules_to_save": ["score", "lm_head"]}, "it has whole modules (lm_head), which servers do not take"),
        ({"bias": "lora_only"}, "it has a bias, which servers do not take: train it with bias: none, or merge it"),
        ({"lora_bias": True}, "it has a bias, which servers do not take"),
    ],
)
def test_an_adapter_that_is_not_what_the_settings_say_is_refused_before_the_weights_come(
    config: dict[str, object], says: str, program: Path, tmp_path: Path, hub: FakeHub
) -> None:
    with_adapter(hub, **config)
    code, said = hydrate(program, tmp_path, hub, *adapter())
    assert code == 3
    assert f"refused: acme/tiny at v1: {says}" in said.splitlines()[-1]
    assert not (tmp_path / TARGET).exists(), "hours of download would be for nothing"
    assert not (tmp_path / ADAPTER).exists()


def test_other_settings_of_an_adapter_that_is_there_are_held_against_it(
    program: Path, tmp_path: Path, hub: FakeHub
) -> None:
    with_adapter(hub)
    assert hydrate(program, tmp_path, hub, *adapter())[0] == 0
    code, said = hydrate(program, tmp_path, hub, *adapter(8))
    assert code == 3
    assert "its rank is 16, and the settings say 8" in said


def test_what_is_in_use_is_not_swept_however_many_adapters_there_are(
    program: Path, tmp_path: Path, hub: FakeHub
) -> None:
    with_adapter(hub)
    also = [
        word
        for name in "abcde"
        for word in ("--adapter", "acme/tiny", "v1", f"beside/acme/{name}/v1", "16", "acme/base")
    ]
    assert hydrate(program, tmp_path, hub, *also)[0] == 0
    for path in tmp_path.glob("*/*/*/*/.hydrated.json"):
        os.utime(path, (0, 0))
    assert hydrate(program, tmp_path, hub, *also)[0] == 0
    assert len(list(tmp_path.glob("*/*/*/*/.hydrated.json"))) == 6


def test_a_draft_model_comes_with_the_weights(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    target = "beside/acme/tiny/v1"
    code, said = hydrate(program, tmp_path, hub, "--beside", "acme/tiny", "v1", target)
    assert code == 0, said
    assert exactly_the_models(tmp_path, target)
    assert exactly_the_models(tmp_path)
