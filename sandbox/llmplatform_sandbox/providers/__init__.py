"""gRPC resource providers that the engine attaches to."""
