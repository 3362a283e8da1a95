"""What every group of settings has in common: frozen, strict about unknown keys, described by attribute docstrings."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A group of settings. A key that no model knows is an error, because a typo must never be silent."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)
