"""The REST door: FastAPI routes that answer from the published artifact."""
