"""Settings of the services beside the models."""
