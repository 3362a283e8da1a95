"""An account of Alibaba Cloud by its SDK: finds objects by their tags in one call, and others by their services.

Tag, ListTagResources; RAM, ListTagResources (roles and policies); Container Service, DescribeClusterNodePools; STS,
GetCallerIdentity: each as the API reference has it. The SDK is of the extra `recover`, and loaded here alone.
"""

import importlib
import json
import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from llmplatform.catalog.tags import ENVIRONMENT_TAG, RESOURCE_TAG
from llmplatform.recovery.sessions import credentials
from llmplatform.recovery.survey import Unknown

_RAM = {
    "alicloud:ram/role:Role": ("role", "roleName"),
    "alicloud:ram/policy:Policy": ("policy", "policyName"),
}
_NODE_POOL = "alicloud:cs/nodePool:NodePool"


class Service:
    """Calls of any product, with the credentials of an aliyun CLI profile, or else those that the SDK finds."""

    def __init__(self, region: str, profile: str | None = None) -> None:
        self._region, self._profile = region, profile
        # It logs each source without credentials, with a traceback.
        logging.getLogger("credentials").addHandler(logging.NullHandler())

    def call(self, product: str, version: str, action: str, query: Mapping[str, str], path: str = "") -> dict[str, Any]:
        """The answer to an action. `path`: for a product with a REST interface."""
        from alibabacloud_tea_openapi.client import Client
        from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
        from darabonba.runtime import RuntimeOptions

        place = "" if product == "ram" else f".{self._region}"
        endpoint = f"{product}{place}.aliyuncs.com"
        params = Params(
            action=action,
            version=version,
            protocol="HTTPS",
            pathname=path or "/",
            method="GET" if path else "POST",
            auth_type="AK",
            style="ROA" if path else "RPC",
            req_body_type="json" if path else "formData",
            body_type="json",
        )
        client = Client(Config(credential=credentials(self._profile), region_id=self._region, endpoint=endpoint))
        return client.call_api(params, OpenApiRequest(query=dict(query)), RuntimeOptions())["body"]


class AlicloudAccount:
    """An account of Alibaba Cloud."""

    def __init__(self, region: str, profile: str | None = None, service: Service | None = None) -> None:
        """`profile`: of the aliyun CLI. `service`: replaces the SDK in tests."""
        # A missing extra is reported before the first call.
        importlib.import_module("alibabacloud_tea_openapi.client")

        self._region, self._service = region, service or Service(region, profile)

    def number(self) -> str:
        """Account number of these credentials."""
        return str(self._call("sts", "2015-04-01", "GetCallerIdentity", {})["AccountId"])

    def tagged(self, environment: str, resource: str) -> Sequence[str]:
        """ARNs of the objects with both tags."""
        wanted = json.dumps({ENVIRONMENT_TAG: environment, RESOURCE_TAG: resource})
        query = {"RegionId": self._region, "Tags": wanted, "Category": "Custom", "PageSize": "100"}
        found: list[str] = []
        while True:
            body = self._call("tag", "2018-08-28", "ListTagResources", query)
            found += [each["ResourceARN"] for each in body.get("TagResources") or ()]
            if not body.get("NextToken"):
                return list(dict.fromkeys(found))
            query = {**query, "NextToken": body["NextToken"]}

    def found(self, type_: str, inputs: Mapping[str, Any], resource: str) -> Sequence[str]:
        """Ids of objects that a create may have made and that the tag service does not list."""
        if type_ in _RAM:
            return self._in_ram(*_RAM[type_], inputs, resource)
        if type_ == _NODE_POOL:
            return self._node_pools(inputs)
        raise Unknown(f"{type_}: it has no lookup; look for it in the console")

    def _in_ram(self, kind: str, name: str, inputs: Mapping[str, Any], resource: str) -> list[str]:
        """The object of that name, if it has the resource's tag: a name is unique, and may belong to another object."""
        query = {"ResourceType": kind, "ResourceNames.1": str(inputs[name])}
        try:
            body = self._call("ram", "2015-05-01", "ListTagResources", query)
        except _Refused as refusal:
            if refusal.code.startswith("EntityNotExist"):
                return []
            raise
        tags = [(each["TagKey"], each["TagValue"]) for each in body.get("TagResources") or ()]
        return [str(inputs[name])] if (RESOURCE_TAG, resource) in tags else []

    def _node_pools(self, inputs: Mapping[str, Any]) -> list[str]:
        """Node pools by their name within the stack's cluster: their tags are those of their machines."""
        cluster, name = inputs["clusterId"], inputs["nodePoolName"]
        body = self._call("cs", "2015-12-15", "DescribeClusterNodePools", {}, f"/clusters/{cluster}/nodepools")
        pools = [each["nodepool_info"] for each in body.get("nodepools") or ()]
        return [f"{cluster}:{each['nodepool_id']}" for each in pools if each.get("name") == name]

    def _call(
        self, product: str, version: str, action: str, query: Mapping[str, str], path: str = ""
    ) -> dict[str, Any]:
        with _said(action):
            return self._service.call(product, version, action, query, path)


class _Refused(Unknown):
    def __init__(self, action: str, code: str, said: str) -> None:
        super().__init__(
            f"alicloud: {action}: {said}; `aliyun sts GetCallerIdentity` has to work, and may read what is missing"
        )
        self.code = code


@contextmanager
def _said(action: str) -> Generator[None]:
    """Any error of the SDK, as one line."""
    from alibabacloud_credentials.exceptions import CredentialException
    from Tea.exceptions import RetryError, TeaException, ValidateException

    try:
        yield
    except (CredentialException, RetryError, TeaException, ValidateException) as error:
        # The error's text may hold the whole answer, or every place that was searched for credentials.
        said = " ".join(str(getattr(error, "message", "") or error).partition(": [")[0].split())
        raise _Refused(action, str(getattr(error, "code", "") or ""), said) from error
