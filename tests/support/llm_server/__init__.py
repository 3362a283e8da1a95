"""The server of examples/fastapi-server, as its tests run it: real, on a CPU, in an environment of its own."""
