"""Rules about the number of a model's servers, and about what changes it."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.placement import groups, is_cpu, placed, size_setting
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.planning.capacity import most_replicas, nodes_for
from llmplatform.planning.ceilings import ceiling, gpus_beside, keeps_its_start, room, usable_nodes
from llmplatform.planning.node_groups import is_fixed
from llmplatform.planning.stages import spread
from llmplatform.specs.models import Model
from llmplatform.specs.platform import ExistingPlatform
from llmplatform.specs.scaling import KedaScaling
from llmplatform.specs.stack import Stack
from llmplatform.specs.vocabulary.times import is_weekly, out_of_turn


def _scaled(stack: Stack) -> Iterator[tuple[str, Model, KedaScaling]]:
    """Models that KEDA scales, with the path of the settings."""
    for name, model in stack.models.items():
        if isinstance(model.scaling, KedaScaling):
            yield f"models.{name}.scaling", model, model.scaling


def bounds_are_in_order(stack: Stack) -> Iterator[Problem]:
    """A floor of at least one, below the ceiling, and nothing else that sets the number."""
    for name, model in stack.models.items():
        scaling, path = model.scaling, f"models.{name}.scaling"
        if scaling is None:
            continue
        if scaling.max_replicas is None and model.pool in stack.pools and is_cpu(stack, stack.pools[model.pool]):
            yield Problem(path, "the room of a pool without GPUs is not known", "add 'max_replicas:'")
        least, most = scaling.min_replicas, scaling.max_replicas
        if least == 0:
            yield Problem(
                f"{path}.min_replicas",
                "a request to a model without a server fails: nothing holds it until one has started",
                "write 1 or more; a model of 'replicas: 0' is switched off, and keeps its volume",
            )
        if most and least > most:
            yield Problem(
                f"{path}.min_replicas", f"{least} is above max_replicas {most}", f"write {most} or less, or raise it"
            )
        if most and most == least:
            yield Problem(
                f"{path}.max_replicas",
                f"{most} is the smallest number, too, so that nothing is scaled",
                f"write more, or 'replicas: {most}' in the place of scaling",
            )
        if model.replicas != Model.model_fields["replicas"].default:
            yield Problem(
                f"models.{name}.replicas",
                "beside scaling it has no effect",
                "remove it, and write the smallest number as scaling.min_replicas",
            )


def numbers_are_within_the_bounds(stack: Stack) -> Iterator[Problem]:
    """Schedules and the fallback ask for numbers between floor and ceiling."""
    for path, _, scaling in _scaled(stack):
        most = scaling.max_replicas
        for place, number in _asked(path, scaling):
            if most and number > most:
                yield Problem(place, f"{number} is above max_replicas {most}", "write less, or raise max_replicas")
            elif number < scaling.min_replicas:
                yield Problem(
                    place,
                    f"{number} is below min_replicas {scaling.min_replicas}, so that it has no effect",
                    f"write {scaling.min_replicas} or more, or remove it",
                )


def _asked(path: str, scaling: KedaScaling) -> Iterator[tuple[str, int]]:
    """Numbers of servers that schedules and the fallback ask for, by their place."""
    for index, each in enumerate(scaling.schedules):
        yield f"{path}.schedules[{index}].replicas", each.replicas
    if scaling.fallback_replicas:
        yield f"{path}.fallback_replicas", scaling.fallback_replicas


def pools_let_models_grow(stack: Stack) -> Iterator[Problem]:
    """Without a ceiling in the settings, the pool's room is above the floor, and not below what schedules ask for."""
    for name, model in stack.models.items():
        scaling, path = model.scaling, f"models.{name}.scaling"
        most = room(stack, name) if scaling and scaling.max_replicas is None else None
        # What does not even hold the smallest numbers is reported as the pool's fault.
        if scaling is None or most is None or most < max(1, scaling.min_replicas):
            continue
        setting = size_setting(stack, model.pool)
        if most == scaling.min_replicas:
            yield Problem(
                path,
                f"pool '{model.pool}' has room for no more than the smallest number, {most}: nothing is scaled",
                f"raise {setting}, or write 'replicas: {most}' in the place of scaling",
            )
            continue
        for place, number in _asked(path, scaling) if isinstance(scaling, KedaScaling) else ():
            if number > most:
                yield Problem(
                    place,
                    f"{number} is above {most}, for which pool '{model.pool}' has room",
                    f"write {most} or less, or raise {setting}",
                )


def schedules_begin_and_end(stack: Stack) -> Iterator[Problem]:
    """Begin and end of a schedule take turns.

    KEDA only asks which of the two comes next: up to an end its number holds, and up to a begin it does not
    (pkg/scalers/cron_scaler.go at v2.20.2, `GetMetricsAndActivity`; `Validate` refuses twice the same text).
    """
    for path, _, scaling in _scaled(stack):
        for index, each in enumerate(scaling.schedules):
            found = out_of_turn(each.start, each.end)
            if found is None:
                continue
            kind, first, second = found
            if first == second:
                yield Problem(
                    f"{path}.schedules[{index}].end",
                    f"'{each.end}' is the begin, too",
                    "write another time, or set min_replicas for a number that always holds",
                )
                continue
            form = "%a %H:%M" if is_weekly(each.start, each.end) else "%d %b %H:%M"
            without, would = ("an end", "would not hold") if kind == "start" else ("a begin", "would hold")
            yield Problem(
                f"{path}.schedules[{index}].{kind}",
                f"it comes {first:{form}} and {second:{form}} without {without} between them, and up to "
                f"the second the number {would}",
                "let begin and end take turns, like '30 7 * * 1-5' and '0 19 * * 1-5'",
            )


def keda_can_ask(stack: Stack) -> Iterator[Problem]:
    """KEDA is there, and so is the Prometheus that it asks."""
    for path, _, _ in _scaled(stack):
        platform = stack.platform
        missing = _missing_on(platform) if isinstance(platform, ExistingPlatform) else _missing_of(stack)
        for fault, remedy in missing:
            yield Problem(f"{path}.kind", fault, f"{remedy}, or write kind 'hpa'")


def _missing_on(platform: ExistingPlatform) -> Iterator[tuple[str, str]]:
    if not platform.keda:
        yield "it needs KEDA, and the platform says of none", "set platform.keda to true where KEDA runs"
    if platform.monitoring_namespace is None:
        yield "KEDA asks Prometheus, and nothing scrapes the models", "set platform.monitoring_namespace"
    elif platform.prometheus_url is None:
        yield (
            "KEDA asks Prometheus, and its address is not known",
            "set platform.prometheus_url, such as http://prometheus-operated.monitoring.svc:9090",
        )


def _missing_of(stack: Stack) -> Iterator[tuple[str, str]]:
    keda, monitoring = stack.addons.keda, stack.addons.monitoring
    if not keda.enabled:
        yield "it needs KEDA, and addons.keda is off", "set addons.keda.enabled to true"
    if not monitoring.enabled:
        yield "KEDA asks Prometheus, and addons.monitoring is off", "set addons.monitoring.enabled to true"
    elif monitoring.kind == "existing" and monitoring.url is None:
        yield (
            "KEDA asks Prometheus, and the existing one has no address here",
            "set addons.monitoring.url, such as http://prometheus-operated.monitoring.svc:9090",
        )


def engine_tells_its_load(stack: Stack) -> Iterator[Problem]:
    """The engine's release exposes what KEDA asks for."""
    for path, model, scaling in _scaled(stack):
        names = model.engine_metrics
        if names.requests_running is None:
            yield Problem(
                f"{path}.kind",
                "no metric tells the number of its requests",
                "write kind 'hpa', use another engine, or name it in engine.metrics.names of a 'custom' one",
            )
        elif names.kv_cache_usage is None and scaling.kv_cache != KedaScaling.model_fields["kv_cache"].default:
            yield Problem(f"{path}.kv_cache", "no metric tells the use of its cache", "remove it")


def pools_hold_the_largest_number(stack: Stack) -> Iterator[Problem]:
    """A pool at its maximum has GPUs for the largest number of each model, beside the smallest ones of the others."""
    for name, model, node in placed(stack):
        scaling, pods, gpus = model.scaling, spread(model, node.shape.gpus), node.shape.gpus
        if scaling is None or scaling.max_replicas is None or pods.gpus > gpus:
            continue
        pool, beside = stack.pools[model.pool], gpus_beside(stack, name)
        nodes = nodes_for(scaling.max_replicas * pods.nodes, gpus, pods.gpus, beside=beside)
        has = usable_nodes(stack, pool, node.shape)
        fits = most_replicas(has, gpus, pods.gpus, beside=beside) // pods.nodes
        # What does not even hold the smallest numbers is reported as the pool's fault.
        if nodes > has and fits >= max(1, model.least_replicas):
            alike = 1 if keeps_its_start(stack, pool) or is_fixed(pool) else max(1, len(groups(stack, pool)))
            yield Problem(
                f"models.{name}.scaling.max_replicas",
                f"{scaling.max_replicas} servers need {nodes} nodes"
                f"{' beside the other models' if beside else ''}, and pool '{model.pool}' has at most {has}",
                f"write {fits} or less, or raise {size_setting(stack, model.pool)} to {-(-nodes // alike)}",
            )


def pools_are_shared_at_the_peak(stack: Stack) -> Iterator[Problem]:
    """A warning: not all models of a pool can have their largest number at once."""
    wanted: dict[str, int] = {}
    there: dict[str, int] = {}
    for name, model, node in placed(stack):
        wanted[model.pool] = wanted.get(model.pool, 0) + ceiling(stack, name) * model.gpus
        there[model.pool] = usable_nodes(stack, stack.pools[model.pool], node.shape) * node.shape.gpus
    for name in sorted({model.pool for model in stack.models.values() if model.scaling} & set(wanted)):
        if wanted[name] > there[name]:
            yield Problem(
                size_setting(stack, name),
                f"its models may grow to {wanted[name]} GPUs together, and it has at most {there[name]}: at a common "
                "peak servers wait for a node",
                "raise it, or write a smaller scaling.max_replicas for some",
            )


PROBLEMS = (
    *each_model(bounds_are_in_order, numbers_are_within_the_bounds, schedules_begin_and_end),
    *each_model(keda_can_ask, engine_tells_its_load),
    *whole(pools_hold_the_largest_number, pools_let_models_grow),
)
WARNINGS = whole(pools_are_shared_at_the_peak)
