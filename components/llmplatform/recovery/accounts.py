"""Real accounts, asked by the clouds' own SDKs: one call each that finds objects of any service by their tags.

AWS: Resource Groups Tagging API, GetResources; IAM roles are not in it. Alibaba Cloud: Tag, ListTagResources (Tag API
reference). The SDKs are the extra `recover`, and loaded here alone.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llmplatform.catalog.tags import ENVIRONMENT_TAG, RESOURCE_TAG
from llmplatform.recovery.survey import Account, Unknown


class AwsAccount:
    """An account of AWS, by the credentials that boto3 finds."""

    def __init__(self, region: str) -> None:
        import boto3

        self._tagging = boto3.client("resourcegroupstaggingapi", region_name=region)
        self._iam = boto3.client("iam", region_name=region)

    def tagged(self, environment: str, resource: str) -> Sequence[str]:
        """ARNs of the objects with both tags."""
        wanted = [
            {"Key": ENVIRONMENT_TAG, "Values": [environment]},
            {"Key": RESOURCE_TAG, "Values": [resource]},
        ]
        pages = self._tagging.get_paginator("get_resources").paginate(TagFilters=wanted)
        return [each["ResourceARN"] for page in pages for each in page["ResourceTagMappingList"]]

    def named(self, type_: str, id_: str, resource: str) -> bool:
        """Whether there is a role of that name which carries the resource's tag."""
        if type_ != "aws:iam/role:Role":
            raise Unknown(f"{type_}: nothing looks this up by its name")
        try:
            tags = self._iam.list_role_tags(RoleName=id_)["Tags"]
        except self._iam.exceptions.NoSuchEntityException:
            return False
        return {"Key": RESOURCE_TAG, "Value": resource} in tags


class AlicloudAccount:
    """An account of Alibaba Cloud, by the credentials that its SDK finds."""

    def __init__(self, region: str, client: Any = None) -> None:
        """`client`: in place of the SDK's own, for tests."""
        self._region = region
        self._client = client or _tag_client(region)

    def tagged(self, environment: str, resource: str) -> Sequence[str]:
        """ARNs of the objects with both tags."""
        from alibabacloud_tag20180828.models import ListTagResourcesRequest

        wanted = json.dumps({ENVIRONMENT_TAG: environment, RESOURCE_TAG: resource})
        found: list[str] = []
        token = None
        while True:
            request = ListTagResourcesRequest(region_id=self._region, tags=wanted, category="Custom", page_size=100)
            if token:
                request.next_token = token
            body = self._client.list_tag_resources(request).body
            found += [each.resource_arn for each in body.tag_resources or ()]
            token = body.next_token
            if not token:
                return list(dict.fromkeys(found))

    def named(self, type_: str, id_: str, resource: str) -> bool:
        """Nothing here is found by its name."""
        raise Unknown(f"{type_}: nothing looks this up by its name")


def open_account(package: str, provider: Mapping[str, Any]) -> Account:
    """The account of a provider resource. Raises `Unknown` without the SDK or the region."""
    region = provider.get("region")
    if not region:
        raise Unknown(f"{package}: its provider in the state names no region; run `pulumi up` to write one")
    try:
        return AwsAccount(region) if package == "aws" else AlicloudAccount(region)
    except ImportError as error:
        raise Unknown(f"{package}: {error.name} is missing; pip install 'llmplatform[recover]'") from error


def _tag_client(region: str) -> Any:
    from alibabacloud_credentials.client import Client as Credentials
    from alibabacloud_tag20180828.client import Client
    from alibabacloud_tea_openapi.utils_models import Config

    return Client(Config(credential=Credentials(), region_id=region))
