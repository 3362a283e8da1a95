"""What ACK offers: each check red once with its remedy."""

from collections.abc import Mapping
from typing import Any

import pytest
from support.doctor.alicloud_doctor import ALICLOUD
from support.doctor.doctor_proofs import Proof, named

from llmplatform.catalog import versions
from llmplatform.doctor.checks import Check
from llmplatform.doctor.on_alicloud import offered

ADDONS = {"addons": [{"name": name, "version": "v1.0.0"} for name in versions.ACK_ADDONS]}


def metadata(*releases: str) -> list[dict[str, Any]]:
    return [{"version": release, "creatable": True} for release in releases]


PROOFS: Mapping[str, Proof] = {
    "kubernetes": Proof(
        red={"DescribeKubernetesVersionMetadata": metadata("1.36.2-aliyun.1", "1.35.9-aliyun.1")},
        text="ACK makes no clusters of 1.35.7-aliyun.1",
        remedy="write `release: 1.35.9-aliyun.1` into cluster",
        green={"DescribeKubernetesVersionMetadata": metadata("1.35.7-aliyun.1")},
    ),
    "addons": Proof(
        red={"ListAddons": {"addons": [*ADDONS["addons"][1:], {"name": "terway-controlplane", "version": "v1"}]}},
        text="terway-eniip: ACK offers no such add-on",
        remedy="near it are terway-controlplane",
        green={"ListAddons": ADDONS},
    ),
}


@pytest.mark.parametrize("check", offered.CHECKS, ids=named)
def test_each_check_is_red_once_with_its_remedy(check: Check) -> None:
    ALICLOUD.shows_red(check, PROOFS[check.name])


@pytest.mark.parametrize("check", offered.CHECKS, ids=named)
def test_a_check_is_green_where_all_is_well(check: Check) -> None:
    ALICLOUD.shows_green(check, PROOFS[check.name])


@pytest.mark.parametrize("check", offered.CHECKS, ids=named)
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(check: Check) -> None:
    ALICLOUD.shows_what_is_denied(check, PROOFS[check.name])
