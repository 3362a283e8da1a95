"""What every component stands on, and what components of your own can stand on."""

from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels, selector, tags
from llmplatform.base.ordering import after

__all__ = ["PlatformComponent", "after", "labels", "selector", "tags"]
