"""What settings demand of one another: plain functions from a stack to its problems.

All rules are asked even where a file is wrong in itself, of whatever in it can be read: one that needs a value which
cannot is silent, so that one mistake is told once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Literal

from llmplatform.specs.problems import Problem
from llmplatform.specs.rules import (
    ack,
    clusters,
    engine_extras,
    engines,
    existing,
    hubs,
    names,
    networks,
    places,
    pools,
    serving,
    vswitches,
)
from llmplatform.specs.rules.cleartext import cleartext, cleartext_elsewhere, redacted
from llmplatform.specs.rules.readable import Location, readable
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack

__all__ = ["cleartext", "cleartext_elsewhere", "problems", "problems_of_readable", "redacted", "warnings"]

Rule = Callable[[Stack], Iterator[Problem]]
Entries = Literal["", "pools", "models"]
WHOLE: Entries = ""
POOLS: Entries = "pools"
MODELS: Entries = "models"

RULES: Mapping[Rule, Entries] = {
    places.region_is_known: WHOLE,
    places.zones_are_in_region: WHOLE,
    places.home_zone_is_the_environments: WHOLE,
    places.pool_zones_are_the_environments: POOLS,
    places.principals_are_of_the_account: WHOLE,
    places.administrators_are_named_once: WHOLE,
    networks.range_is_large_enough: WHOLE,
    networks.range_is_private: WHOLE,
    networks.zones_have_ranges_of_their_own: WHOLE,
    networks.public_ranges_are_named: WHOLE,
    networks.private_ranges_are_of_others: WHOLE,
    networks.existing_network_serves_every_zone: WHOLE,
    vswitches.existing_vswitches_serve_every_zone: WHOLE,
    vswitches.vswitches_hold_the_pods: WHOLE,
    networks.services_lie_outside_the_network: WHOLE,
    clusters.kubernetes_is_known: WHOLE,
    ack.release_is_known: WHOLE,
    ack.public_endpoint_is_open_to_all: WHOLE,
    clusters.charts_know_kubernetes: WHOLE,
    clusters.node_images_exist: POOLS,
    clusters.node_images_are_of_the_minor: POOLS,
    clusters.existing_platform_has_a_cluster: WHOLE,
    clusters.existing_cluster_is_in_an_existing_network: WHOLE,
    clusters.addons_are_the_platforms: WHOLE,
    existing.what_exists_is_in_an_existing_cluster: WHOLE,
    existing.an_existing_prometheus_is_its_owners: WHOLE,
    existing.prometheus_has_a_namespace_of_its_own: WHOLE,
    existing.classes_have_names_of_their_own: WHOLE,
    existing.only_webhooks_are_inside: WHOLE,
    clusters.host_has_an_issuer: WHOLE,
    clusters.acme_has_a_host: WHOLE,
    clusters.acme_domain_has_the_host: WHOLE,
    clusters.alerts_have_a_source: WHOLE,
    clusters.alerts_have_a_receiver: WHOLE,
    pools.instance_types_are_known: POOLS,
    pools.instance_types_share_a_shape: POOLS,
    pools.gpus_are_usable: POOLS,
    pools.gpu_nodes_have_disks: POOLS,
    pools.something_runs_the_system: WHOLE,
    pools.existing_pools_are_in_an_existing_cluster: POOLS,
    pools.gpu_pools_are_the_platforms: POOLS,
    pools.something_adds_nodes: POOLS,
    pools.only_one_offers_gpus: WHOLE,
    pools.something_offers_gpus: WHOLE,
    names.models_have_a_namespace_of_their_own: WHOLE,
    names.models_are_not_called_like_guard_rails: MODELS,
    ack.operating_systems_run_kubernetes: POOLS,
    ack.images_that_are_renewed_are_named: POOLS,
    ack.zones_that_are_added_exist: WHOLE,
    ack.zones_sell_the_gpus: POOLS,
    ack.spot_prices_are_of_spot_machines: POOLS,
    ack.scaler_sees_spot_machines: WHOLE,
    ack.drivers_are_known: POOLS,
    names.groups_are_unique: WHOLE,
    names.labels_are_ours_to_set: POOLS,
    names.tags_are_allowed: WHOLE,
    serving.shape_is_known: MODELS,
    serving.pool_exists: MODELS,
    engines.engine_is_on_record: MODELS,
    engines.parsers_exist: MODELS,
    engines.engine_runs_model: MODELS,
    engines.engine_runs_on_gpu: MODELS,
    engines.driver_runs_engine: MODELS,
    engine_extras.extra_arguments_are_the_engines: MODELS,
    engine_extras.extra_variables_are_free: MODELS,
    engine_extras.resources_fit_the_node: MODELS,
    engine_extras.surges_have_room: WHOLE,
    hubs.one_hub_is_chosen: WHOLE,
    hubs.models_are_at_the_hub: MODELS,
    serving.heads_can_be_spread: MODELS,
    serving.replica_is_within_a_node: MODELS,
    serving.context_is_the_models: MODELS,
    serving.model_fits: MODELS,
    serving.volume_holds_the_weights: MODELS,
    serving.node_holds_the_weights: MODELS,
    serving.pool_holds_its_models: WHOLE,
    serving.gated_models_have_a_token: MODELS,
}
"""All rules, and what each judges: every pool or every model by itself, or the stack as a whole."""


def problems(stack: Stack) -> list[Problem]:
    """What the rules find in a stack."""
    return [found for rule in RULES for found in rule(stack)]


def warnings(stack: Stack) -> list[Problem]:
    """What is not wrong, and will be trouble all the same: nothing that a day brings makes a stack unusable."""
    return [*clusters.kubernetes_is_supported(stack), *ack.upgrades_are_done_once(stack)]


def problems_of_readable(
    kind: type[AwsStack] | type[AlicloudStack], raw: Mapping[str, object], faulty: Sequence[Location]
) -> list[Problem]:
    """What the rules find in that part of plain settings which is right in itself. `faulty` locates what is not."""
    stack = readable(kind, raw, faulty)
    return [found for rule, entries in RULES.items() for part in _parts(stack, entries) for found in _asked(rule, part)]


def _asked(rule: Rule, stack: Stack) -> list[Problem]:
    found: list[Problem] = []
    with suppress(AttributeError):  # What cannot be read is not there.
        found.extend(rule(stack))
    return found


def _parts(stack: Stack, entries: Entries) -> Iterator[Stack]:
    """The stack once for each entry of a section, so that one which cannot be read does not silence the others."""
    if not entries or entries not in stack.__dict__:
        yield stack
        return
    for name, each in getattr(stack, entries).items():
        yield stack.model_copy(update={entries: {name: each}})
