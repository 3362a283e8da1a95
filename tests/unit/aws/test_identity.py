"""Identities of workloads on AWS, and the one of the autoscaler."""

import json
from typing import Any

import pulumi
import pytest
from support.aws_platform import TAGS, ZONE_ID, identity, stack

from llmplatform import aws
from llmplatform.aws.grants import answer_challenges, scale_node_groups, solver
from llmplatform.base.contracts import Grant
from llmplatform.base.policies import Statement
from llmplatform.testing import RecordingEngine

_ROLE = "aws:iam/role:Role"
_POLICY = "aws:iam/rolePolicy:RolePolicy"

_READ = Statement(sid="Read", actions=("s3:GetObject",), resources=("arn:aws:s3:::weights/*",))


class _Pod(pulumi.CustomResource):
    def __init__(self, service_account: pulumi.Input[str]) -> None:
        super().__init__("test:index:Pod", "pod", {"serviceAccount": service_account})


def _args(service_account: str = "reader", *grants: Grant) -> aws.WorkloadIdentityArgs:
    return aws.WorkloadIdentityArgs(
        cluster_name=pulumi.Output.from_input("dev-main"),
        cloud=stack().cloud,
        namespace="models",
        service_account=service_account,
        grants=grants,
        tags=TAGS,
    )


def _statements(engine: RecordingEngine, type_: str, key: str) -> list[dict[str, Any]]:
    return json.loads(engine.one(type_).inputs[key])["Statement"]


def test_only_the_service_account_of_the_cluster_can_take_the_role() -> None:
    engine = RecordingEngine().run(lambda: aws.WorkloadIdentity("reader", _args()).role_arn)
    (trust,) = _statements(engine, _ROLE, "assumeRolePolicy")
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession"], "Pod Identity tags the sessions that it opens"
    assert trust["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": "dev-main",
        "aws:RequestTag/kubernetes-namespace": "models",
        "aws:RequestTag/kubernetes-service-account": "reader",
    }


def test_the_association_joins_service_account_and_role() -> None:
    engine = RecordingEngine().run(lambda: aws.WorkloadIdentity("reader", _args()).role_arn)
    association = engine.one("aws:eks/podIdentityAssociation:PodIdentityAssociation").inputs
    assert association["roleArn"] == engine.result
    wanted = {"clusterName": "dev-main", "namespace": "models", "serviceAccount": "reader"}
    assert wanted.items() <= association.items()


def test_a_pod_of_the_service_account_starts_after_the_association() -> None:
    engine = RecordingEngine().run(lambda: _Pod(aws.WorkloadIdentity("reader", _args()).service_account).urn)
    association = engine.one("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert engine.waits_for(engine.named("pod"), association), "a pod that was there before never gets the rights"


def test_no_annotation_is_wanted_on_the_service_account() -> None:
    assert RecordingEngine().run(lambda: aws.WorkloadIdentity("reader", _args()).annotations).result == {}


def test_an_identity_can_do_nothing_until_it_is_granted_something() -> None:
    assert RecordingEngine().run(lambda: aws.WorkloadIdentity("reader", _args()).urn).all(_POLICY) == []


def test_a_grant_is_a_policy_of_its_own() -> None:
    def program() -> None:
        weights = Grant(name="weights", statements=[_READ])
        logs = Grant(name="logs", statements=pulumi.Output.from_input("arn:aws:s3:::logs/*").apply(_write))
        aws.WorkloadIdentity("reader", _args("reader", weights, logs))

    policies = RecordingEngine().run(program).all(_POLICY)
    assert [found.name for found in policies] == ["reader-logs", "reader-weights"]
    document = json.loads(policies[0].inputs["policy"])
    assert document["Statement"][0]["Resource"] == ["arn:aws:s3:::logs/*"], "statements may name what is not made yet"


def _write(arn: str) -> list[Statement]:
    return [Statement(sid="Write", actions=("s3:PutObject",), resources=(arn,))]


def test_two_identities_live_in_one_stack() -> None:
    def program() -> None:
        aws.WorkloadIdentity("one", _args("one"))
        aws.WorkloadIdentity("two", _args("two"))

    assert len(RecordingEngine().run(program).all(_ROLE)) == 2


def _autoscaling() -> aws.WorkloadIdentity:
    cluster = pulumi.Output.from_input("dev-main")
    return identity("cluster-autoscaler", scale_node_groups("scale", stack().cloud, cluster))


def test_the_autoscaler_sizes_the_groups_of_its_own_cluster_and_no_other() -> None:
    engine = RecordingEngine().run(_autoscaling)
    changing = [
        statement
        for statement in _statements(engine, _POLICY, "policy")
        if not all(action.split(":")[1].startswith(("Describe", "Get")) for action in statement["Action"])
    ]
    assert [statement["Condition"] for statement in changing] == [
        {"StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/dev-main": "owned"}}
    ]


@pytest.mark.parametrize(
    "action",
    [
        "autoscaling:DescribeScalingActivities",
        "autoscaling:SetDesiredCapacity",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:GetInstanceTypesFromInstanceRequirements",
        "eks:DescribeNodegroup",
    ],
)
def test_the_autoscaler_may_do_what_it_cannot_work_without(action: str) -> None:
    statements = _statements(RecordingEngine().run(_autoscaling), _POLICY, "policy")
    assert action in {each for statement in statements for each in statement["Action"]}


def test_the_autoscaler_starts_with_its_rights() -> None:
    engine = RecordingEngine().run(lambda: _Pod(_autoscaling().service_account).urn)
    assert engine.waits_for(engine.named("pod"), engine.one(_POLICY))


def _challenge() -> aws.WorkloadIdentity:
    return identity("cert-manager", answer_challenges("records", stack().cloud, ZONE_ID, None))


def test_a_solver_of_challenges_changes_only_the_answers_in_one_zone() -> None:
    statements = {each["Sid"]: each for each in _statements(RecordingEngine().run(_challenge), _POLICY, "policy")}
    zone = f"arn:aws:route53:::hostedzone/{ZONE_ID}"
    change = statements.pop("AnswerChallenges")
    assert change["Resource"] == [zone]
    assert change["Condition"] == {
        "ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": ["_acme-challenge.*"]},
        "ForAllValues:StringEquals": {
            "route53:ChangeResourceRecordSetsRecordTypes": ["TXT"],
            "route53:ChangeResourceRecordSetsActions": ["UPSERT", "DELETE"],
        },
    }, "an address record would point our host elsewhere, and a text record at the zone's top says who may send mail"
    reading = {action: each["Resource"] for each in statements.values() for action in each["Action"]}
    assert reading == {
        "route53:GetChange": ["arn:aws:route53:::change/*"],
        "route53:ListResourceRecordSets": [zone],
    }


def test_challenges_are_answered_in_the_zone_by_cert_manager_itself() -> None:
    told = {"region": "us-east-1", "hostedZoneID": ZONE_ID}
    assert solver(stack().cloud, ZONE_ID, None) == {"dns01": {"route53": told}}


def test_a_zone_of_another_account_is_reached_by_its_role_and_nothing_else() -> None:
    role = "arn:aws:iam::444455556666:role/dns"
    answers = answer_challenges("records", stack().cloud, ZONE_ID, role)
    (assume,) = _statements(RecordingEngine().run(lambda: identity("cert-manager", answers)), _POLICY, "policy")
    assert (assume["Action"], assume["Resource"]) == (["sts:AssumeRole", "sts:TagSession"], [role])
    told = {"region": "us-east-1", "hostedZoneID": ZONE_ID, "role": role}
    assert solver(stack().cloud, ZONE_ID, role) == {"dns01": {"route53": told}}


def test_cert_manager_starts_with_its_rights() -> None:
    engine = RecordingEngine().run(lambda: _Pod(_challenge().service_account).urn)
    assert engine.waits_for(engine.named("pod"), engine.one(_POLICY))
