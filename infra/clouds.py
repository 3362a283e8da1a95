"""The cloud that a stack file names: its foundation, and the provider of what is in the cluster."""

import pulumi

import providers
from llmplatform.base.foundation import CloudServices
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.stack import AlicloudStack, Stack


def build(
    stack: Stack, pools: tuple[PoolPlan, ...], generated: pulumi.ProviderResource
) -> tuple[CloudServices, pulumi.ProviderResource]:
    """What the cloud gives, and the Kubernetes provider. Only the SDK of the named cloud is loaded."""
    if isinstance(stack, AlicloudStack):
        from llmplatform.alicloud import foundation as ack

        opts = pulumi.ResourceOptions(providers=[providers.alicloud(stack.cloud), generated])
        made = ack.cluster(stack, pools, opts)
        kubernetes = providers.cluster(made)
        return ack.services(made, kubernetes), kubernetes
    from llmplatform.aws import foundation as eks

    opts = pulumi.ResourceOptions(providers=[providers.aws(stack.cloud), generated])
    made = eks.cluster(stack, pools, opts)
    kubernetes = providers.cluster(made)
    return eks.services(made, kubernetes), kubernetes
