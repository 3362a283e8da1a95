"""The base of every group of settings: frozen, strict about unknown keys, described by attribute docstrings."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A group of settings. An unknown key is an error, because a typo must never be silent."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)
