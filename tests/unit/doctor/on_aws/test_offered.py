"""What EKS offers, and the groups that it has: each check red once with its remedy."""

from collections.abc import Mapping

import pytest
from support.doctor.aws_doctor import AWS, ran, wanted
from support.doctor.doctor_proofs import Proof, named

from llmplatform.catalog import versions
from llmplatform.doctor.checks import Absent, Check
from llmplatform.doctor.on_aws import offered

ALL_ADDONS = {
    "addons": [
        {"addonName": name, "addonVersions": [{"addonVersion": by_minor.get("1.35", "v1.0.0-eksbuild.1")}]}
        for name, by_minor in versions.EKS_ADDONS.items()
    ]
}

PROOFS: Mapping[str, Proof] = {
    "kubernetes": Proof(
        red={
            "DescribeClusterVersions": {
                "clusterVersions": [
                    {"clusterVersion": "1.36", "versionStatus": "STANDARD_SUPPORT"},
                    {"clusterVersion": "1.35", "versionStatus": "EXTENDED_SUPPORT"},
                ]
            }
        },
        text="Kubernetes 1.35 is in extended support",
        remedy="write one of 1.36",
        green={
            "DescribeClusterVersions": {
                "clusterVersions": [{"clusterVersion": "1.35", "versionStatus": "STANDARD_SUPPORT"}]
            }
        },
    ),
    "addons": Proof(
        red={
            "DescribeAddonVersions": {
                "addons": [
                    {"addonName": "kube-proxy", "addonVersions": [{"addonVersion": "v1.35.9-eksbuild.1"}]},
                    {"addonName": "coredns", "addonVersions": [{"addonVersion": "v1.13.2-eksbuild.1"}]},
                ]
            }
        },
        text="kube-proxy v1.35.0-eksbuild.2: EKS does not offer it for Kubernetes 1.35",
        remedy="use one of v1.35.9-eksbuild.1",
        green={"DescribeAddonVersions": ALL_ADDONS},
    ),
    "node-groups": Proof(
        red={
            "ListNodegroups": {"nodegroups": ["gpu-1"]},
            "DescribeNodegroup": {
                "nodegroup": {
                    "nodegroupName": "gpu-1",
                    "status": "CREATE_FAILED",
                    "health": {"issues": [{"code": "AsgInstanceLaunchFailures", "message": "VcpuLimitExceeded"}]},
                }
            },
        },
        text="group of nodes gpu-1 is CREATE_FAILED: VcpuLimitExceeded",
        remedy="`pulumi up --replace`",
        green={"ListNodegroups": Absent("no cluster")},
    ),
}


@pytest.mark.parametrize("check", offered.CHECKS, ids=named)
def test_each_check_is_red_once_with_its_remedy(check: Check) -> None:
    AWS.shows_red(check, PROOFS[check.name])


@pytest.mark.parametrize("check", offered.CHECKS, ids=named)
def test_a_check_is_green_where_all_is_well(check: Check) -> None:
    AWS.shows_green(check, PROOFS[check.name])


@pytest.mark.parametrize("check", offered.CHECKS, ids=named)
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(check: Check) -> None:
    AWS.shows_what_is_denied(check, PROOFS[check.name])


def test_a_version_of_an_addon_that_the_stack_asks_for_is_looked_for() -> None:
    offered = {"addons": [{"addonName": "coredns", "addonVersions": [{"addonVersion": "v1.13.2-eksbuild.1"}]}]}
    of = wanted(cluster__addons={"coredns": {"version": "v1.14.0-eksbuild.1"}})
    told = [each.text for each in ran("addons", of, DescribeAddonVersions=offered).findings]
    assert any(text.startswith("coredns v1.14.0-eksbuild.1: EKS does not offer it") for text in told)
