"""Which account, region and zones an environment lives in."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.catalog import InstanceType, gpu_zones
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.alicloud import (
    AlicloudAccountId,
    AlicloudRegion,
    AlicloudZone,
    AliyunProfile,
    InstanceFamily,
    ResourceGroupId,
)
from llmplatform.specs.vocabulary.aws import (
    AwsAccountId,
    AwsRegion,
    AwsZone,
    KmsKeyArn,
    PolicyArn,
    ProfileName,
    RoleArn,
    RolePath,
)


class Aws(Section):
    """An AWS account. All of it is written down rather than looked up, so that a preview needs no credentials."""

    provider: Literal["aws"]
    account_id: AwsAccountId
    """The provider refuses to touch any other account."""
    region: AwsRegion
    """Region of everything in the environment."""
    zones: Annotated[tuple[AwsZone, ...], Field(min_length=2, max_length=6)]
    """Availability zones, at least two (EKS wants its control plane in two)."""
    home_zone: AwsZone | None = None
    """Zone of what lies in a single one: the NAT gateway where there is only one. Empty: the first of `zones`. Write it
    down before you put another zone first: what lies there moves with it."""
    profile: ProfileName | None = None
    """Profile of the AWS CLI whose credentials are taken. Empty: those that are there."""
    assume_role: RoleArn | None = None
    """Role that is taken with the credentials, by the provider and for logging in to the cluster. A new cluster names
    it in `cluster.admins`."""
    permissions_boundary: PolicyArn | None = None
    """Policy that bounds every role that is made, where the account demands one."""
    role_path: RolePath = "/"
    """Path of every role that is made. A change replaces the roles, and all that cannot change its role."""
    data_key: KmsKeyArn | None = None
    """Key of your own that encrypts node disks, volumes, the shared file system and logs; docs/aws-account.md says what
    its policy must allow. Empty: AWS' own keys. A change replaces the file system, and renews every node."""

    gpu_zones: Annotated[
        dict[InstanceFamily, Annotated[tuple[AwsZone, ...], Field(max_length=6)]], Field(max_length=50)
    ] = Field(default_factory=dict)
    """Zones in which the account is offered a family of machines (`p5`), where that is not all of them, or where the
    catalog does not know of it. `aws ec2 describe-instance-type-offerings --location-type availability-zone`
    answers."""

    @property
    def home(self) -> str:
        """Zone of what lies in a single one."""
        return self.home_zone or self.zones[0]

    @property
    def partition(self) -> str:
        """ARN partition of the region."""
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"

    def zones_with(self, machine: InstanceType) -> tuple[str, ...]:
        """Zones of the environment that sell a machine; all of them where nobody says which."""
        said = self.gpu_zones.get(machine.family)
        return tuple(zone for zone in self.zones if said is None or zone in said)


class Alicloud(Section):
    """An Alibaba Cloud account, written down for the same reason."""

    provider: Literal["alicloud"]
    account_id: AlicloudAccountId
    """The account's id; roles and images are addressed with it."""
    account_type: Literal["Domestic", "International"]
    """Which site the account is registered with: `Domestic` is aliyun.com, `International` is alibabacloud.com.
    Without it the provider asks the billing service, which takes half a minute and a right of its own."""
    region: AlicloudRegion
    """Region of everything in the environment."""
    zones: Annotated[tuple[AlicloudZone, ...], Field(min_length=2, max_length=6)]
    """Availability zones, at least two, so that a zone can fail."""
    home_zone: AlicloudZone | None = None
    """Zone of what lies in a single one: the file system, and the NAT gateway where there is only one. Empty: the first
    of `zones`. Write it down before you put another zone first: what lies there is replaced, with its data."""
    profile: AliyunProfile | None = None
    """Profile of the aliyun CLI whose credentials are taken, by the provider and for logging in to the cluster. One
    that takes a role, of another account too, is of mode `RamRoleArn` or `ChainableRamRoleArn`. Empty: those that are
    there. An access key in the environment beside it is refused: the provider would take that one."""
    resource_group_id: ResourceGroupId | None = None
    """Resource group of what is made, by which accounts share out rights and cost. Empty: the account's own."""
    gpu_zones: Annotated[
        dict[InstanceFamily, Annotated[tuple[AlicloudZone, ...], Field(max_length=6)]], Field(max_length=50)
    ] = Field(default_factory=dict)
    """Zones that sell a family of machines (`gn7i`), beside those that the catalog knows."""

    @property
    def home(self) -> str:
        """Zone of what lies in a single one."""
        return self.home_zone or self.zones[0]

    def zones_with(self, machine: InstanceType) -> tuple[str, ...]:
        """Zones of the environment that sell a machine; all of them where that is not known."""
        sold = gpu_zones.known(machine, self.region)
        here = {*sold, *self.gpu_zones.get(machine.family, ())}
        return tuple(zone for zone in self.zones if not sold or zone in here)


Cloud = Annotated[Aws | Alicloud, Field(discriminator="provider")]
"""The clouds that a stack file can name, told apart by `provider`."""
