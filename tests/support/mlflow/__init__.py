"""MLflow as its component renders it, run for real: a Postgres, a stand-in for S3, servers, and a client."""
