"""An account of AWS by boto3: finds objects by their tags in one call, and those without by their service.

Resource Groups Tagging API, GetResources; IAM roles are not in it. boto3 is of the extra `recover`, and
loaded when an account is opened.
"""

import zlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from llmplatform.catalog.tags import ENVIRONMENT_TAG, RESOURCE_TAG
from llmplatform.recovery.sessions import assumed, opened
from llmplatform.recovery.survey import Unknown

_DESTINATIONS = {
    "destinationCidrBlock": "DestinationCidrBlock",
    "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}


class AwsAccount:
    """An account of AWS, with the credentials that boto3 finds."""

    def __init__(self, region: str, profile: str | None = None, roles: Sequence[str] = ()) -> None:
        """`profile`: of the AWS CLI. `roles`: to assume in this order, before the first call."""
        with _said():
            session = opened(region, profile)
            for role in roles:
                session = assumed(session, role, "llmplatform-recover")
            self._tagging = session.client("resourcegroupstaggingapi")
            self._iam, self._sts = session.client("iam"), session.client("sts")
            self._ec2, self._efs = session.client("ec2"), session.client("efs")

    def number(self) -> str:
        """Account number of these credentials."""
        with _said():
            return self._sts.get_caller_identity()["Account"]

    def tagged(self, environment: str, resource: str) -> Sequence[str]:
        """ARNs of the objects with both tags."""
        wanted = [
            {"Key": ENVIRONMENT_TAG, "Values": [environment]},
            {"Key": RESOURCE_TAG, "Values": [resource]},
        ]
        with _said():
            pages = self._tagging.get_paginator("get_resources").paginate(TagFilters=wanted)
            return [each["ResourceARN"] for page in pages for each in page["ResourceTagMappingList"]]

    def found(self, type_: str, inputs: Mapping[str, Any], resource: str) -> Sequence[str]:
        """Ids of objects that a create may have made and that the tagging API does not list."""
        looks = {
            "aws:iam/role:Role": self._roles,
            "aws:ec2/route:Route": self._routes,
            "aws:ec2/routeTableAssociation:RouteTableAssociation": self._associations,
            "aws:efs/mountTarget:MountTarget": self._mount_targets,
            "aws:iam/openIdConnectProvider:OpenIdConnectProvider": self._oidc_providers,
        }
        if type_ not in looks:
            raise Unknown(f"{type_}: it has no lookup; look for it in the console")
        with _said():
            return looks[type_](inputs, resource)

    def _roles(self, inputs: Mapping[str, Any], resource: str) -> list[str]:
        """The role of that name, if it has the resource's tag: a name is unique, and may belong to another object."""
        try:
            tags = self._iam.list_role_tags(RoleName=inputs["name"])["Tags"]
        except self._iam.exceptions.NoSuchEntityException:
            return []
        return [inputs["name"]] if {"Key": RESOURCE_TAG, "Value": resource} in tags else []

    def _oidc_providers(self, inputs: Mapping[str, Any], resource: str) -> list[str]:
        """The provider of that URL, by its ARN (IAM, CreateOpenIDConnectProvider), if it has the resource's tag."""
        issuer = inputs["url"].removeprefix("https://")
        listed = [each["Arn"] for each in self._iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
        return [
            arn
            for arn in listed
            if arn.partition(":oidc-provider/")[2] == issuer
            and {"Key": RESOURCE_TAG, "Value": resource}
            in self._iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"]
        ]

    def _routes(self, inputs: Mapping[str, Any], resource: str) -> list[str]:
        """By the provider's own id: the table, and a checksum of the destination."""
        table = inputs["routeTableId"]
        filters = [{"Name": "route-table-id", "Values": [table]}]
        tables = self._ec2.describe_route_tables(Filters=filters)["RouteTables"]
        routes = [route for each in tables for route in each["Routes"]]
        return [
            f"r-{table}{zlib.crc32(inputs[given].encode())}"
            for given, name in _DESTINATIONS.items()
            if given in inputs and any(route.get(name) == inputs[given] for route in routes)
        ]

    def _associations(self, inputs: Mapping[str, Any], resource: str) -> list[str]:
        filters = [{"Name": "route-table-id", "Values": [inputs["routeTableId"]]}]
        tables = self._ec2.describe_route_tables(Filters=filters)["RouteTables"]
        return [
            one["RouteTableAssociationId"]
            for each in tables
            for one in each["Associations"]
            if one.get("SubnetId") == inputs["subnetId"]
        ]

    def _mount_targets(self, inputs: Mapping[str, Any], resource: str) -> list[str]:
        pages = self._efs.get_paginator("describe_mount_targets").paginate(FileSystemId=inputs["fileSystemId"])
        there = [each for page in pages for each in page["MountTargets"]]
        return [each["MountTargetId"] for each in there if each["SubnetId"] == inputs["subnetId"]]


@contextmanager
def _said() -> Generator[None]:
    """Any error of the SDK, as one line."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        said = " ".join(str(error).split())
        raise Unknown(
            f"aws: {said}; `aws sts get-caller-identity` has to work, and may read what is missing"
        ) from error
