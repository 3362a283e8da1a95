"""Settings models as stack outputs: their fields hold values that a cloud tells later.

    section = unchecked(ExistingEksCluster)(kind="existing", name=later(cluster.cluster_name), ...)
    pulumi.export("cluster", outputs_of(section))

A wrong or missing field fails the type checker, as in a section that is read from a file.
"""

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, cast

import pulumi

from llmplatform.specs.section import Section

P = ParamSpec("P")
S = TypeVar("S", bound=Section)
T = TypeVar("T")


def unchecked(model: Callable[P, S]) -> Callable[P, S]:
    """The constructor of a section, without its validation: an Output has no value to validate yet."""
    return cast(Callable[P, S], cast(type[S], model).model_construct)


def later(value: pulumi.Input[T]) -> T:
    """An Input where a field of an unchecked section wants its value."""
    return cast(T, value)


def outputs_of(section: Section) -> Mapping[str, Any]:
    """The fields that were given, as plain values and Outputs. A preview shows those that are known."""
    given = [name for name in type(section).model_fields if name in section.model_fields_set]
    return {name: _plain(getattr(section, name)) for name in given}


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return outputs_of(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in cast(Mapping[str, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in cast(list[Any], value)]
    return value
