"""What settings demand of one another: plain functions from a stack to its problems.

All rules are asked even where a file is wrong in itself, of whatever in it can be read: one that needs a value which
cannot is silent, so that one mistake is told once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from llmplatform.checks.cleartext import cleartext, cleartext_elsewhere, redacted
from llmplatform.checks.problems import Problem
from llmplatform.checks.readable import Location, readable
from llmplatform.checks.rules import (
    accounts,
    ack,
    addresses,
    capacity,
    certificates,
    clusters,
    engine_extras,
    engines,
    existing,
    hubs,
    lists,
    names,
    networks,
    outside,
    places,
    pools,
    registries,
    serving,
    taints,
    vswitches,
)
from llmplatform.specs.section import Section
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack

__all__ = ["advice", "cleartext", "cleartext_elsewhere", "problems", "problems_of_readable", "redacted", "warnings"]

OUR_MISTAKE = "which is a mistake of llmplatform itself"
"""How a rule that raises is told."""

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
    lists.nothing_is_listed_twice: WHOLE,
    places.principals_are_people_and_machines: WHOLE,
    networks.range_is_one_network: WHOLE,
    accounts.control_plane_has_zones: WHOLE,
    accounts.what_the_account_has_is_the_accounts: WHOLE,
    accounts.snapshots_have_their_controller: WHOLE,
    accounts.principals_have_one_entry: WHOLE,
    accounts.roles_have_a_path_of_ours: WHOLE,
    accounts.the_role_that_is_taken_administers: WHOLE,
    accounts.endpoints_have_known_names: WHOLE,
    networks.range_is_large_enough: WHOLE,
    addresses.cluster_holds_its_nodes: WHOLE,
    addresses.subnets_hold_the_nodes: WHOLE,
    addresses.subnet_ranges_are_the_networks: WHOLE,
    networks.range_is_private: WHOLE,
    networks.zones_have_ranges_of_their_own: WHOLE,
    networks.public_ranges_are_named: WHOLE,
    networks.private_ranges_are_of_others: WHOLE,
    networks.existing_network_serves_every_zone: WHOLE,
    vswitches.existing_vswitches_serve_every_zone: WHOLE,
    vswitches.vswitches_hold_the_pods: WHOLE,
    vswitches.vswitches_lie_apart: WHOLE,
    networks.services_lie_outside_the_network: WHOLE,
    clusters.kubernetes_is_known: WHOLE,
    ack.release_is_known: WHOLE,
    ack.public_endpoint_is_open_to_all: WHOLE,
    clusters.charts_know_kubernetes: WHOLE,
    clusters.node_images_exist: POOLS,
    clusters.node_images_are_of_the_minor: POOLS,
    clusters.addons_keep_what_is_relied_upon: WHOLE,
    clusters.endpoint_is_of_the_region: WHOLE,
    clusters.existing_platform_has_a_cluster: WHOLE,
    clusters.existing_cluster_is_in_an_existing_network: WHOLE,
    clusters.addons_are_the_platforms: WHOLE,
    existing.what_exists_is_in_an_existing_cluster: WHOLE,
    existing.an_existing_prometheus_is_its_owners: WHOLE,
    existing.prometheus_has_a_namespace_of_its_own: WHOLE,
    existing.classes_have_names_of_their_own: WHOLE,
    existing.volumes_of_weights_are_shared: WHOLE,
    existing.only_webhooks_are_inside: WHOLE,
    clusters.host_has_an_issuer: WHOLE,
    clusters.acme_has_a_host: WHOLE,
    clusters.acme_domain_has_the_host: WHOLE,
    certificates.authorities_can_be_asked: WHOLE,
    certificates.hosts_can_be_certified: WHOLE,
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
    ack.fixed_pools_have_one_size: POOLS,
    ack.images_that_are_renewed_are_named: POOLS,
    places.zones_that_are_added_exist: WHOLE,
    places.regions_sell_the_gpus: POOLS,
    places.zones_sell_the_gpus: POOLS,
    places.ranges_are_of_the_zones: WHOLE,
    ack.images_are_of_linux: POOLS,
    ack.volumes_are_as_large_as_disks: WHOLE,
    ack.spot_prices_are_of_spot_machines: POOLS,
    ack.scaler_sees_spot_machines: WHOLE,
    ack.drivers_are_known: POOLS,
    taints.taints_are_ours_to_set: POOLS,
    taints.taints_are_told_once: POOLS,
    taints.taints_are_what_eks_takes: POOLS,
    taints.others_nodes_are_in_existing_pools: POOLS,
    names.groups_are_unique: WHOLE,
    names.labels_are_ours_to_set: POOLS,
    names.labels_are_what_eks_takes: POOLS,
    names.tags_are_allowed: WHOLE,
    names.groups_hold_their_tags: POOLS,
    serving.shape_is_known: MODELS,
    serving.shape_makes_sense: MODELS,
    serving.pool_exists: MODELS,
    taints.tolerations_are_told_once: MODELS,
    taints.models_bear_their_pools_taints: MODELS,
    engines.engine_is_on_record: MODELS,
    engines.image_is_of_the_version: MODELS,
    engines.parsers_exist: MODELS,
    engines.quantization_is_of_the_weights: MODELS,
    engines.engine_runs_model: MODELS,
    engines.engine_runs_on_gpu: MODELS,
    engines.driver_runs_engine: MODELS,
    engine_extras.extra_arguments_are_the_engines: MODELS,
    engine_extras.extra_variables_are_free: MODELS,
    engine_extras.resources_fit_the_node: MODELS,
    engine_extras.surges_have_room: WHOLE,
    engine_extras.ways_out_lead_somewhere: MODELS,
    engine_extras.names_are_given_once: MODELS,
    engines.cache_is_of_the_gpu: MODELS,
    hubs.one_hub_is_chosen: WHOLE,
    hubs.models_are_at_the_hub: MODELS,
    hubs.commits_are_whole: MODELS,
    hubs.mirrors_stand_for_something: WHOLE,
    registries.registries_are_within_reach: WHOLE,
    registries.links_are_of_instances: WHOLE,
    hubs.gated_models_are_marked: MODELS,
    hubs.logins_are_of_use: WHOLE,
    outside.exceptions_are_from_a_proxy: WHOLE,
    outside.nodes_have_a_way_to_take: WHOLE,
    serving.heads_can_be_spread: MODELS,
    serving.replica_is_within_a_node: MODELS,
    serving.context_is_the_models: MODELS,
    serving.model_fits: MODELS,
    capacity.volume_holds_the_weights: MODELS,
    capacity.node_holds_the_weights: MODELS,
    capacity.pool_holds_its_models: WHOLE,
    serving.gated_models_have_a_token: MODELS,
}
"""All rules, and what each judges: every pool or every model by itself, or the stack as a whole."""


WARNINGS: Sequence[Rule] = (
    clusters.kubernetes_is_supported,
    ack.upgrades_are_done_once,
    ack.something_keeps_the_systems_pods,
    ack.fixed_pools_are_shared_out_evenly,
    places.zones_are_known,
    addresses.quotas_are_likely_to_hold,
    engines.cache_is_likely_to_run,
    engines.parsers_are_of_the_models,
    registries.registries_have_mirrors,
    hubs.weights_are_within_reach,
    hubs.solver_takes_no_login,
)
"""What is not wrong, and will be trouble all the same."""


ADVICE: Sequence[Rule] = (certificates.examples_are_replaced, serving.cache_holds_some_requests)
"""What is worth knowing before one decides, and not at every update."""


def advice(stack: Stack) -> list[Problem]:
    """What is worth knowing before one decides, and not at every update."""
    return [found for rule in ADVICE for found in _asked(rule, stack) or ()]


def problems(stack: Stack) -> list[Problem]:
    """What the rules find in a stack."""
    return [found for rule in RULES for found in _asked(rule, stack) or ()]


def warnings(stack: Stack) -> list[Problem]:
    """What is not wrong, and will be trouble all the same: nothing that a day brings makes a stack unusable."""
    return [found for rule in WARNINGS for found in _asked(rule, stack) or ()]


def problems_of_readable(
    kind: type[AwsStack] | type[AlicloudStack], raw: Mapping[str, object], faulty: Sequence[Location]
) -> list[Problem]:
    """What the rules find in that part of plain settings which is right in itself. `faulty` locates what is not."""
    stack, found = readable(kind, raw, faulty), list[Problem]()
    for rule, entries in RULES.items():
        asked = _asked(rule, stack)
        if asked is None:  # Once for each entry, so that one which cannot be read does not silence the others.
            asked = [each for part in _parts(stack, entries) for each in _asked(rule, part) or ()]
        found += asked
    return found


def _asked(rule: Rule, stack: Stack) -> list[Problem] | None:
    """What a rule finds; None where it needs what cannot be read.

    A rule that fails in any other way is a mistake of ours, which is to be seen, and must not hide those of the file.
    """
    try:
        return list(rule(stack))
    except Exception as error:
        if isinstance(error, AttributeError) and _is_setting(error):
            return None
        where = f"{rule.__module__.rpartition('.')[2]}.{rule.__name__}"
        return [
            Problem(
                "the stack",
                f"the rule {where} fails on it ({type(error).__name__}: {error}), {OUR_MISTAKE}",
                "report it, with the file",
            )
        ]


def _is_setting(error: AttributeError) -> bool:
    """Whether what is missing is a setting, which could not be read."""
    return isinstance(error.obj, Section) and str(error.name) in type(error.obj).model_fields


def _parts(stack: Stack, entries: Entries) -> Iterator[Stack]:
    """The stack once for each entry of a section, as far as the section can be read."""
    if entries and entries in stack.__dict__:
        for name, each in getattr(stack, entries).items():
            yield stack.model_copy(update={entries: {name: each}})
