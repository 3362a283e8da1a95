"""The hydration as pods run it, against S3 on loopback: each signature is judged by botocore."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.hydration.buckets import BUCKET, POD_TOKEN, PREFIX, SECRET, SESSION, Buckets, served, started, target
from support.hydration.hydrating import (
    FILES,
    KEPT,
    MIB,
    SIZE,
    WEIGHTS,
    ended,
    exactly_the_models,
    found,
    on_disk,
    until,
)

from llmplatform.serving.hydration.volume import MANIFEST

DIGEST = re.compile(r" ([0-9a-f]{64}): ")
FIRST = "model-00001-of-00002.safetensors"


@pytest.fixture
def buckets() -> Iterator[Buckets]:
    with served(FILES) as running:
        yield running


def copied(program: Path, volume: Path, buckets: Buckets, *extra: str, **more: str) -> tuple[int, str]:
    return ended(started(program, volume, buckets, *extra, **more))


def test_a_model_is_copied_from_a_bucket_under_the_pods_identity(
    program: Path, tmp_path: Path, buckets: Buckets
) -> None:
    code, said = copied(program, tmp_path, buckets)
    assert code == 0, said
    assert exactly_the_models(tmp_path, target())
    written = json.loads((tmp_path / target() / MANIFEST).read_text())
    assert (written["hub"], written["source"]) == ("s3", f"s3://{BUCKET}/{PREFIX}")
    assert all(each["etag"] and each["md5"] for each in written["files"]), "what was there, and what was verified"
    assert not {SECRET, SESSION, POD_TOKEN} & set(re.split(r"[\s'\",:]", said + json.dumps(written)))
    assert not [
        asked
        for asked in buckets.asked
        if not asked.removeprefix("HEAD ").removeprefix("GET ").startswith(f"/{BUCKET}/")
    ]


def test_a_pin_is_the_digest_that_the_download_prints_and_other_files_are_refused(
    program: Path, tmp_path: Path, buckets: Buckets
) -> None:
    _, said = copied(program, tmp_path / "first", buckets)
    found_digest = DIGEST.search(said)
    assert found_digest, said
    pin = found_digest[1]
    pinned = ("--revision", pin, "--target", target(pin))
    assert copied(program, tmp_path / "second", buckets, *pinned)[0] == 0
    buckets.put("config.json", b'{"model_type": "other"}')
    code, said = copied(program, tmp_path / "third", buckets, *pinned)
    assert code == 3
    assert f"revision says {pin}" in said.splitlines()[-1]
    assert not (tmp_path / "third" / target(pin)).exists()
    asked = len(buckets.asked)
    assert copied(program, tmp_path / "second", buckets, *pinned)[0] == 0, "what is pinned and there needs no bucket"
    assert len(buckets.asked) == asked


def test_an_interrupted_copy_goes_on_where_it_stopped(program: Path, tmp_path: Path, buckets: Buckets) -> None:
    buckets.holds_at = int(SIZE * 0.8)
    process = started(program, tmp_path, buckets, "--stale", "2")
    until(lambda: on_disk(tmp_path) > SIZE * 0.5)
    process.send_signal(signal.SIGKILL)
    ended(process)
    assert not (tmp_path / target()).exists()
    had = on_disk(tmp_path)
    buckets.holds_at = 0
    buckets.sent.clear()
    code, said = copied(program, tmp_path, buckets)
    assert code == 0, said
    assert exactly_the_models(tmp_path, target())
    assert sum(size for path, size in buckets.sent.items() if ".safetensors" in path) <= SIZE - had + 2 * MIB


def test_an_object_that_changes_between_two_attempts_is_copied_anew_and_whole(
    program: Path, tmp_path: Path, buckets: Buckets
) -> None:
    buckets.holds_at = int(SIZE * 0.8)
    process = started(program, tmp_path, buckets)
    until(lambda: on_disk(tmp_path) > SIZE * 0.5)
    process.kill()
    ended(process)
    changed = bytes(reversed(WEIGHTS[:-1])) + b"x"
    buckets.put(FIRST, changed)
    buckets.holds_at = 0
    code, said = copied(program, tmp_path, buckets)
    assert code == 0, said
    assert found(tmp_path, target())[FIRST] == changed, "half of the old and half of the new would be of the same size"


def test_a_right_to_list_without_one_to_read_is_told(program: Path, tmp_path: Path, buckets: Buckets) -> None:
    def deny(method: str, path: str) -> None:
        if method == "GET" and path.endswith(".safetensors"):
            buckets.denied = 1

    buckets.before = deny
    code, said = copied(program, tmp_path, buckets)
    assert code == 3, said
    assert f"may not read s3://{BUCKET}/{PREFIX}" in said.splitlines()[-1]
    assert "licence" not in said


def test_an_object_that_changes_while_it_is_copied_is_noticed(program: Path, tmp_path: Path, buckets: Buckets) -> None:
    """RFC 9110, 13.1.1: `If-Match`."""
    once = [FIRST]

    def change(method: str, path: str) -> None:
        if method == "GET" and once and path.endswith(once[0]):
            buckets.put(once.pop(), WEIGHTS[::2] * 2)

    buckets.before = change
    code, said = copied(program, tmp_path, buckets)
    assert code == 4, said
    assert "it has changed since it was listed" in said.splitlines()[-1]
    assert copied(program, tmp_path, buckets)[0] == 0
    assert found(tmp_path, target())[FIRST] == WEIGHTS[::2] * 2


def test_a_checksum_that_s3_has_of_the_whole_object_is_held(program: Path, tmp_path: Path, buckets: Buckets) -> None:
    buckets.put(FIRST, WEIGHTS, ChecksumAlgorithm="SHA256")
    assert copied(program, tmp_path, buckets)[0] == 0
    written = json.loads((tmp_path / target() / MANIFEST).read_text())["files"]
    (of_first,) = [each for each in written if each["path"] == FIRST]
    assert of_first.get("sha256")


def test_an_object_of_a_key_has_an_etag_that_is_no_md5(program: Path, tmp_path: Path, buckets: Buckets) -> None:
    buckets.put("config.json", FILES["config.json"], ServerSideEncryption="aws:kms")
    assert copied(program, tmp_path, buckets)[0] == 0
    written = {each["path"]: each for each in json.loads((tmp_path / target() / MANIFEST).read_text())["files"]}
    assert "md5" not in written["config.json"]
    assert "md5" in written["tokenizer.json"]


def test_a_right_that_is_new_is_waited_for_and_one_that_is_missing_refused(
    program: Path, tmp_path: Path, buckets: Buckets
) -> None:
    buckets.denied = 1
    code, said = copied(program, tmp_path, buckets, "--new-role", "60")
    assert code == 0, said
    assert "AccessDenied: the rights of the role may be too new; again in" in said
    buckets.denied = 1000
    code, said = copied(program, tmp_path / "other", buckets)
    assert code == 3
    assert f"AccessDenied: the role of this pod may not read s3://{BUCKET}/{PREFIX}" in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (f"s3://{BUCKET}/qwen/other", "has no objects: look for the spelling"),
        (f"s3://nobodys/{PREFIX}", "NoSuchBucket: look for the spelling of s3://nobodys/qwen/tiny"),
    ],
)
def test_what_is_not_there_is_told(source: str, says: str, program: Path, tmp_path: Path, buckets: Buckets) -> None:
    code, said = copied(program, tmp_path, buckets, source=source)
    assert code == 3
    assert says in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_pod_without_an_identity_gives_way_to_another_one(program: Path, tmp_path: Path, buckets: Buckets) -> None:
    """A cluster adds the variables at the creation of a pod: this one never gets them."""
    code, said = copied(program, tmp_path, buckets, AWS_CONTAINER_CREDENTIALS_FULL_URI="")
    assert code == 4
    assert "EKS Pod Identity gave this pod no AWS_CONTAINER_CREDENTIALS_FULL_URI" in said.splitlines()[-1]
    assert "a server's pod must be deleted" in said.splitlines()[-1], "its containers start again in the same pod"


def test_credentials_of_a_node_come_past_the_proxy(program: Path, tmp_path: Path, buckets: Buckets) -> None:
    proxied = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "localhost"}
    endpoint = buckets.address.replace("127.0.0.1", "localhost")
    agent = f"{buckets.address}/v1/credentials"
    buckets.address = endpoint  # The host that is signed.
    code, said = copied(program, tmp_path, buckets, AWS_CONTAINER_CREDENTIALS_FULL_URI=agent, **proxied)
    assert code == 0, said


def test_an_adapter_comes_from_a_bucket_beside_a_model_of_it(program: Path, tmp_path: Path, buckets: Buckets) -> None:
    config = {"r": 8, "base_model_name_or_path": "acme/tiny", "peft_type": "LORA"}
    buckets.put("lora/adapter_config.json", json.dumps(config).encode())
    buckets.put("lora/adapter_model.safetensors", WEIGHTS[:1000])
    place = "beside/s3:acme-models/qwen%2Ftiny%2Flora/main"
    adapter = ("--adapter", f"s3://{BUCKET}/{PREFIX}/lora", "main", place, "8", "acme/tiny")
    code, said = copied(program, tmp_path, buckets, *adapter)
    assert code == 0, said
    assert found(tmp_path, place).keys() == {"adapter_config.json", "adapter_model.safetensors"}
    assert found(tmp_path, target()).keys() >= KEPT


def test_a_bucket_of_alibaba_cloud_is_read_with_the_token_of_the_service_account(
    program: Path, tmp_path: Path, buckets: Buckets
) -> None:
    """The signature itself is held against the vectors of its client: tests/unit/serving/test_bucket_signatures.py."""
    buckets.signed = False
    token = tmp_path / "oidc"
    token.write_text("token-of-the-account\n")
    role = {
        "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/a",
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/a",
    }
    volume = tmp_path / "volume"
    volume.mkdir()
    code, said = copied(
        program,
        volume,
        buckets,
        "--sts",
        buckets.address,
        source=f"oss://{BUCKET}/{PREFIX}",
        ALIBABA_CLOUD_OIDC_TOKEN_FILE=str(token),
        **role,
    )
    assert code == 0, said
    assert exactly_the_models(volume, target())
    (form,) = buckets.forms
    assert (form["Action"], form["OIDCToken"]) == ("AssumeRoleWithOIDC", "token-of-the-account")
    written = json.loads((volume / target() / MANIFEST).read_text())["files"]
    assert all(each["md5"] for each in written), "OSS tells the MD5 of what has no parts"


def test_a_claim_is_looked_at_before_the_server_starts(program: Path, tmp_path: Path, buckets: Buckets) -> None:
    words = ("--check", "--target", "qwen/tiny")
    code, said = copied(program, tmp_path, buckets, *words, source="pvc://models/qwen/tiny")
    assert (code, said) == (
        4,
        "pvc://models/qwen/tiny is no folder with files: put the weights there, or change weights.source\n",
    )
    (tmp_path / "qwen/tiny").mkdir(parents=True)
    (tmp_path / "qwen/tiny/config.json").touch()
    assert copied(program, tmp_path, buckets, *words, source="pvc://models/qwen/tiny") == (0, "")
