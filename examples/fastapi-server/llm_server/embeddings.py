"""Embeddings by wordllama: the mean of its tokens' static vectors. The package ships the model; a CPU serves it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import wordllama


class WordLlamaEmbedder:
    """Vectors of 256 dimensions and length 1."""

    def __init__(self) -> None:
        # The package looks for its tokenizer in a folder that it has under another name; as a cache it finds it.
        shipped = Path(wordllama.__file__).parent
        self._model = wordllama.WordLlama.load(dim=256, cache_dir=shipped, disable_download=True)

    def embed(self, texts: Sequence[str]) -> tuple[list[list[float]], int]:
        """A vector for each text, and the tokens of all texts. Any thread may call it."""
        # One at a time: together, all would be padded to the longest one.
        tokens = sum(len(self._model.tokenize(text)[0].ids) for text in texts)
        return np.asarray(self._model.embed(list(texts), norm=True, batch_size=1)).tolist(), tokens
