"""The base class of components."""

import inspect
from copy import copy
from typing import Any

import pulumi

from llmplatform.base.identity_tags import identified


class PlatformComponent(pulumi.ComponentResource):
    """A component whose public, annotated attributes *are* its outputs."""

    def __init__(self, token: str, name: str, opts: pulumi.ResourceOptions | None) -> None:
        opts = copy(opts) if opts else pulumi.ResourceOptions()
        opts.transformations = [identified, *(opts.transformations or [])]
        super().__init__(token, name, None, opts)

    def child(self, **extra: Any) -> pulumi.ResourceOptions:
        """Options of a child resource; `extra` are further options of that child alone."""
        return pulumi.ResourceOptions(parent=self, **extra)

    def finish(self) -> None:
        """Register the outputs. An annotated output that is not set raises AttributeError."""
        names = [name for name in inspect.get_annotations(type(self)) if not name.startswith("_")]
        self.register_outputs({name: getattr(self, name) for name in names})
