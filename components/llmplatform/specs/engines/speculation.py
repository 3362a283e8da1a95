"""Settings of speculative decoding with a draft model."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.catalog import ModelShape, models
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.models import ModelId, OptionText, Revision

OptionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
OptionNumber = Annotated[int, Field(ge=-(2**31), le=2**31)] | Annotated[float, Field(ge=-1e9, le=1e9)]


class Speculation(Section):
    """A draft model guesses tokens, and the model checks several at once. It is downloaded with the weights."""

    source: ModelId
    """Hugging Face id of the draft model or speculator."""
    revision: Revision | None = None
    """Commit, tag or branch. Empty: the hub's main branch at the first download."""
    method: Literal["draft_model", "eagle", "eagle3", "dflash", "dspark"] = "draft_model"
    """`draft_model`: a smaller model with the same tokenizer. Others: a speculator that was trained for the model."""
    tokens: Annotated[int, Field(ge=1, le=64)]
    """Tokens to guess at once."""
    size_gib: Annotated[float, Field(gt=0, le=1024)] | None = None
    """Size of a speculator's weights in GiB."""
    shape: ModelShape | None = None
    """For a draft model that the catalog does not know: values from its config.json."""
    options: Annotated[dict[OptionName, bool | OptionNumber | OptionText], Field(max_length=50)] = Field(
        default_factory=dict
    )
    """Further keys of the engine's configuration, e.g. `use_heterogeneous_vocab: true`."""

    @property
    def known_shape(self) -> ModelShape | None:
        """The shape in the settings, else the catalog's; None without either."""
        return self.shape or models.get(self.source)

    @property
    def is_whole_model(self) -> bool:
        """Whether it has layers and a cache like any model; else it has few, on top of the model's."""
        return self.method == "draft_model"
