"""The only place that creates providers: no resource reaches an account or a cluster that is not named here."""

import os

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random

from llmplatform.base.foundation import ClusterWithNodes
from llmplatform.specs.cloud import Alicloud, Aws

_ACCESS_KEYS = ("ALICLOUD_ACCESS_KEY", "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_ID")
"""Where the provider looks for an access key before a profile: terraform-provider-alicloud 2.0, provider.go."""


def aws(cloud: Aws) -> pulumi.ProviderResource:
    """The AWS account of the settings: it refuses credentials of another account."""
    import pulumi_aws

    roles = [pulumi_aws.ProviderAssumeRoleArgs(role_arn=cloud.assume_role)] if cloud.assume_role else None
    return pulumi_aws.Provider(
        "aws",
        region=cloud.region,
        allowed_account_ids=[cloud.account_id],
        profile=cloud.profile,
        assume_roles=roles,
    )


def alicloud(cloud: Alicloud) -> pulumi.ProviderResource:
    """The Alibaba Cloud account of the settings. The account type is given because looking it up is slow."""
    import pulumi_alicloud

    found = [name for name in _ACCESS_KEYS if os.environ.get(name)]
    if cloud.profile and found:
        raise pulumi.RunError(
            f"cloud.profile: the provider would take the environment's access key in the place of {cloud.profile}; "
            f"unset {', '.join(found)}, or take the profile out"
        )
    return pulumi_alicloud.Provider(
        "alicloud",
        region=cloud.region,
        account_id=cloud.account_id,
        account_type=cloud.account_type,
        profile=cloud.profile,
    )


def cluster(made: ClusterWithNodes) -> kubernetes.Provider:
    """A cluster. Its identifier is its name, so that a changed kubeconfig does not replace what is in it."""
    return kubernetes.Provider(
        "kubernetes",
        kubeconfig=made.kubeconfig,
        cluster_identifier=made.cluster_name,
        enable_server_side_apply=True,
        # Names are fixed: replacing a ConfigMap or Secret would delete it for a moment.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )


def generated() -> pulumi.ProviderResource:
    """Passwords and keys, generated once and kept in the state, encrypted."""
    return pulumi_random.Provider("generated")
