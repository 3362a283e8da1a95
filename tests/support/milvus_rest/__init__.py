"""A stand-in of Milvus' REST API over HTTP or HTTPS, for what milvus-lite does not have."""
