"""Whether a model fits GPUs. The formula is in the catalog, because the settings are checked with it."""

from llmplatform.catalog.fit import Fit, fit, legal_tensor_parallel, weights_gib

__all__ = ["Fit", "fit", "legal_tensor_parallel", "weights_gib"]
