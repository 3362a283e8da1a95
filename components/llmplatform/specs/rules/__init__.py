"""What settings demand of one another: plain functions from a stack to its problems, and the sections that each reads.

A rule whose sections are themselves wrong is left out, so that one mistake is told once.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import TypeAdapter

from llmplatform.specs import arms
from llmplatform.specs.cloud import Alicloud, Aws
from llmplatform.specs.problems import Problem
from llmplatform.specs.rules import ack, clusters, engines, hubs, names, networks, places, pools, serving, vswitches
from llmplatform.specs.rules.cleartext import cleartext, redacted
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack

__all__ = ["cleartext", "problems", "problems_of_sound", "redacted"]

Rule = Callable[[Stack], Iterator[Problem]]
Location = tuple[int | str, ...]

RULES: Mapping[Rule, tuple[str, ...]] = {
    places.region_is_known: ("cloud",),
    places.zones_are_in_region: ("cloud",),
    places.home_zone_is_the_environments: ("cloud",),
    places.pool_zones_are_the_environments: ("cloud", "pools"),
    places.principals_are_of_the_account: ("cloud", "cluster"),
    places.administrators_are_named_once: ("cluster",),
    networks.range_is_large_enough: ("network",),
    networks.range_is_private: ("network",),
    networks.zones_have_ranges_of_their_own: ("cloud", "network"),
    networks.public_ranges_are_named: ("cluster",),
    networks.existing_network_serves_every_zone: ("cloud", "network"),
    vswitches.existing_vswitches_serve_every_zone: ("cloud", "network"),
    vswitches.vswitches_hold_the_pods: ("cloud", "network", "pools"),
    networks.services_lie_outside_the_network: ("network", "cluster"),
    clusters.kubernetes_is_supported: ("cluster",),
    ack.release_is_known: ("cluster",),
    ack.public_endpoint_is_open_to_all: ("cluster",),
    clusters.charts_know_kubernetes: ("provider", "cluster", "platform", "addons"),
    clusters.node_images_exist: ("cluster", "pools"),
    clusters.node_images_are_of_the_minor: ("cluster", "pools"),
    clusters.existing_platform_has_a_cluster: ("cluster", "platform"),
    clusters.existing_cluster_is_in_an_existing_network: ("network", "cluster"),
    clusters.acme_has_a_host: ("addons",),
    clusters.acme_domain_has_the_host: ("addons",),
    clusters.alerts_have_a_receiver: ("addons", "secrets"),
    pools.instance_types_are_known: ("provider", "pools"),
    pools.instance_types_share_a_shape: ("provider", "pools"),
    pools.gpus_are_usable: ("provider", "pools"),
    pools.gpu_nodes_have_disks: ("provider", "pools"),
    pools.something_runs_the_system: ("provider", "cluster", "pools"),
    pools.existing_pools_are_in_an_existing_cluster: ("cluster", "pools"),
    pools.something_adds_nodes: ("platform", "pools", "addons"),
    pools.only_one_offers_gpus: ("provider", "platform", "pools", "addons"),
    pools.something_offers_gpus: ("provider", "platform", "pools", "addons"),
    names.models_have_a_namespace_of_their_own: ("platform",),
    names.models_are_not_called_like_guard_rails: ("models",),
    ack.zones_that_are_added_exist: ("cloud",),
    ack.zones_sell_the_gpus: ("cloud", "pools"),
    ack.spot_prices_are_of_spot_machines: ("pools",),
    ack.scaler_sees_spot_machines: ("platform", "pools", "addons"),
    ack.drivers_are_known: ("provider", "pools"),
    names.groups_are_unique: ("pools",),
    names.labels_are_ours_to_set: ("pools",),
    names.tags_are_allowed: ("provider", "tags"),
    serving.shape_is_known: ("models",),
    serving.pool_exists: ("provider", "pools", "models"),
    engines.engine_is_on_record: ("models",),
    engines.parsers_exist: ("models",),
    engines.engine_runs_model: ("models",),
    engines.engine_runs_on_gpu: ("provider", "pools", "models"),
    engines.driver_runs_engine: ("provider", "pools", "models"),
    hubs.one_hub_is_chosen: ("mirrors",),
    hubs.models_are_at_the_hub: ("mirrors", "models"),
    serving.heads_can_be_spread: ("models",),
    serving.replica_is_within_a_node: ("provider", "pools", "models"),
    serving.context_is_the_models: ("models",),
    serving.model_fits: ("provider", "pools", "models"),
    serving.pool_holds_its_models: ("provider", "pools", "models"),
    serving.gated_models_have_a_token: ("mirrors", "models", "secrets"),
}
"""All rules, and the sections that each reads; `provider` is what of the cloud's section tells the clouds apart."""


def problems(stack: Stack) -> list[Problem]:
    """What the rules find in a stack."""
    return [found for rule in RULES for found in rule(stack)]


def problems_of_sound(
    kind: type[AwsStack] | type[AlicloudStack], raw: Mapping[str, object], faulty: Sequence[Location]
) -> list[Problem]:
    """What the rules find in those sections that are right in themselves. `faulty` locates what is not."""
    sections = sound_sections(kind, raw, faulty)
    readable = {*sections, "provider"} if "cloud" in sections else set(sections)
    if "cloud" not in sections and (provider := arms.provider(raw)):
        sections["cloud"] = (Aws if provider == "aws" else Alicloud).model_construct(provider=provider)
        readable.add("provider")
    stack = kind.model_construct(**cast(dict[str, Any], sections))
    return [found for rule, reads in RULES.items() if readable.issuperset(reads) for found in rule(stack)]


def sound_sections(
    kind: type[AwsStack] | type[AlicloudStack], raw: Mapping[str, object], faulty: Sequence[Location]
) -> dict[str, object]:
    """The sections that are right in themselves, as settings.

    Models count one by one, because nothing refers to them.
    """
    whole = {location[0] for location in faulty if location[0] != "models" or len(location) == 1}
    wrong_models = {location[1] for location in faulty if location[0] == "models" and len(location) > 1}
    sound: dict[str, object] = {}
    for name, field in kind.model_fields.items():
        if name in whole or field.annotation is None:
            continue
        if name not in raw:
            sound[name] = field.get_default(call_default_factory=True)
            continue
        value = raw[name]
        if name == "models" and isinstance(value, Mapping):
            value = {key: each for key, each in cast(Mapping[str, object], value).items() if key not in wrong_models}
        section: TypeAdapter[Any] = TypeAdapter(field.annotation)
        sound[name] = section.validate_json(json.dumps(value, default=str), strict=True)
    return sound
