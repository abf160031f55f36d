"""The `[serve]` section. Imports nothing of the web, so that any command can read it quickly."""

from __future__ import annotations

from pydantic import Field

from kg.config import Section


class ServeConfig(Section):
    """The REST API."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on; loopback unless you put a TLS proxy before it.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    workers: int = Field(default=1, ge=1, le=64, description="Worker processes; all share the artifact through the page cache.")
    max_k: int = Field(default=200, ge=1, le=1000, description="Longest list that one request may ask for.")
    max_body_bytes: int = Field(default=1_048_576, ge=1024, description="Largest request body.")
    graph_check_s: float = Field(default=2.0, gt=0, description="How often the health of the graph database is looked at.")
