"""Buckets as a cloud's component promises them, without a cloud."""

from dataclasses import dataclass, field
from typing import Any

import pulumi

from llmplatform.base.contracts import Grant


@dataclass(frozen=True, kw_only=True)
class Store:
    """A bucket as a cloud's component promises it."""

    bucket: pulumi.Output[str] = field(default_factory=lambda: pulumi.Output.from_input("vectors-0a1b"))
    url: pulumi.Output[str] = field(default_factory=lambda: pulumi.Output.from_input("s3://vectors-0a1b"))
    endpoint: str = "s3.us-east-1.amazonaws.com"
    region: str = "us-east-1"
    provider: Any = "aws"

    def read(self) -> Grant:
        return Grant(name="read", statements=[])

    def read_write(self, prefix: str = "") -> Grant:
        return Grant(name="read-write", statements=[])


OSS = {"endpoint": "oss-cn-hangzhou-internal.aliyuncs.com", "region": "cn-hangzhou", "provider": "aliyun"}
"""What is different in Alibaba Cloud."""
