"""The configuration of a managed add-on in the provider's spelling.

A refresh stores the keys that the add-on returns, in order and without spaces: any other spelling would be a change at
every update. Source: `mergeConfigValues` and Read in terraform-provider-alicloud 2.0,
resource_alicloud_cs_kubernetes_addon.go.
"""

import json
from collections.abc import Mapping


def canonical(configuration: Mapping[str, object]) -> str:
    """Compact JSON with sorted keys."""
    return json.dumps(configuration, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
