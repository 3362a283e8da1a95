"""Programs that run in pods beside Milvus, in an image that has Python alone."""
