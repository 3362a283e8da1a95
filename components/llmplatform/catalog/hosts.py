"""Hosts of the clouds' services, as their clients in the cluster call them.

Sources: "Amazon S3 endpoints and quotas", AWS general reference, where China's have a domain of their own; "Regions and
endpoints", OSS documentation; kubernetes-sigs/alibaba-cloud-csi-driver, `GetSTSEndpoint`.
"""


def s3(region: str) -> str:
    """S3 in a region."""
    return f"s3.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")


def oss(region: str) -> str:
    """OSS in a region, over the internet."""
    return f"oss-{region}.aliyuncs.com"


def oss_within(region: str) -> str:
    """OSS for machines in that region, without the internet. Traffic to it is free."""
    return f"oss-{region}-internal.aliyuncs.com"


def sts_within(region: str) -> str:
    """Alibaba Cloud's token service for machines in that region."""
    return f"sts-vpc.{region}.aliyuncs.com"
