"""Helpers of the tests of Milvus' clients."""
