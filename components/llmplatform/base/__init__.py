"""The common base of all components, and of your own ones."""

from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels, selector, tags
from llmplatform.base.ordering import after

__all__ = ["PlatformComponent", "after", "labels", "selector", "tags"]
