"""A small LLM server: OpenAI's API over continuous batching, made to be copied."""
