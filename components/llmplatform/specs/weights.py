"""Where a model's weights come from, and where they are kept."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.sources import Address, address
from llmplatform.specs.vocabulary.models import BucketKey, BucketRegion, WeightsAddress


class Buckets(Section):
    """The existing buckets that a model's weights and adapters are copied from."""

    region: BucketRegion | None = None
    """Their region. Empty: the region of the stack."""
    kms_key: BucketKey | None = None
    """Your own KMS key that the objects are encrypted with: the download may then decrypt with it. ARN of the key on
    AWS; id of the key on Alibaba Cloud. Empty: keys of the cloud, which need no right."""


class Weights(Section):
    """Source and storage of a model's weights."""

    source: WeightsAddress | None = None
    """Where the files lie, if not at a hub. `s3://BUCKET/PREFIX` on EKS, `oss://BUCKET/PREFIX` on ACK: an existing
    bucket, where the download may list and read this prefix and nothing else. `pvc://CLAIM/PATH`: a folder of an
    existing PersistentVolumeClaim in the models' namespace, which servers mount read-only; nothing is copied. The
    model's own `source` stays its Hugging Face id, by which the catalog knows it."""
    buckets: Buckets = Buckets()
    cache: Literal["shared", "node", "image"] = "shared"
    """`shared`: a Job downloads them once to a volume that all replicas read and that outlives them; servers have no
    internet access. `node`: each pod downloads them to its node's disk before its server starts, and keeps its internet
    access. `image`: the image of a server of your own has them."""
    size_gib: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Size of the volume in GiB. Empty: from the model's weights. Shared file systems grow beyond it."""

    @property
    def address(self) -> Address | None:
        """The source; None for a hub."""
        return address(self.source)

    @property
    def claim(self) -> str | None:
        """Existing claim that servers mount. None: there is none."""
        found = self.address
        return found.name if found and not found.is_bucket else None
