"""Logs of the API: one JSON object a line on stderr."""

from __future__ import annotations

import logging

from kg import logs


def configure() -> None:
    """Set up logging; uvicorn's own access log is off, ours has the request ids."""
    logging.getLogger("uvicorn.access").disabled = True
    logs.configure()
