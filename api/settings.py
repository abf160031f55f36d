"""The `[serve]` section. Imports nothing of the web, so that any command can read it quickly."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator

from kg.config import Section

RATE_PATTERN = r"^$|^[1-9][0-9]{0,8}/(second|minute|hour|day)$"


class ServeConfig(Section):
    """The REST API."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on; loopback unless you put a TLS proxy before it.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    workers: int = Field(default=1, ge=1, le=64, description="Worker processes; all share the artifact through the page cache.")
    max_k: int = Field(default=200, ge=1, le=1000, description="Longest list that one request may ask for.")
    follow: bool = Field(default=True, description="Extract changed items in a process beside the API; one per ledger is enough.")
    timezone: str = Field(default="UTC", description="Time zone in which profiles tell hours, days and weekdays, such as Europe/Berlin.")
    graph_check_s: float = Field(default=2.0, gt=0, description="How often the health of the graph database is looked at.")

    cache_mb: int = Field(default=64, ge=0, le=65_536, description="Lists that each worker remembers while nothing they depend on has changed, MiB.")
    answers_keep_s: float = Field(default=86_400.0, ge=0, description="How long a given list can be asked for again by its request id; 0 keeps none.")
    answers_max_mb: int = Field(default=512, ge=1, le=1_048_576, description="Room for given lists; the oldest go first.")

    max_body_bytes: int = Field(default=1_048_576, ge=1024, description="Largest request body.")
    max_header_bytes: int = Field(default=16_384, ge=1024, le=1_048_576, description="Largest sum of a request's headers.")
    max_nesting: int = Field(default=32, ge=4, le=200, description="Deepest nesting of arrays and objects in a JSON body.")
    request_timeout_s: float = Field(
        default=30.0, gt=0, le=3600, description="A request that takes longer is answered 503 (408 while its body is missing)."
    )
    header_timeout_s: float = Field(default=10.0, gt=0, le=600, description="A connection that has not sent its headers by then is closed.")
    max_concurrent: int = Field(default=64, ge=1, le=10_000, description="Requests that one worker works on at a time.")
    max_queue: int = Field(default=256, ge=0, le=100_000, description="Requests that wait for a place in one worker; more are answered 503.")
    queue_timeout_s: float = Field(default=2.0, gt=0, le=60, description="A request that got no place by then is answered 503.")

    rate_limit: str = Field(
        default="", pattern=RATE_PATTERN, description="Requests a key may make, such as 600/minute; empty limits none. Keys may have their own."
    )
    rate_limit_storage: SecretStr = Field(
        default=SecretStr(""), description="redis://… or rediss://… that all workers and machines count in; empty counts in each worker its part."
    )
    cypher_concurrent: int = Field(
        default=4, ge=1, le=1000, description="Queries of the graph that one worker runs at a time; more are answered 503."
    )
    cypher_timeout_s: float = Field(
        default=20.0, gt=0, le=3600, description="Longest time of a query of the graph; keep it below `request_timeout_s`."
    )
    cypher_max_mb: int = Field(default=32, ge=1, le=4096, description="About how much the rows of one answer may take, MiB; more are cut off.")
    cors_origins: tuple[str, ...] = Field(default=(), description="Origins whose browser pages may call the API; none by default.")
    public_docs: bool = Field(default=False, description="Show /docs and /openapi.json without a key.")
    console: bool = Field(default=True, description="Serve the console under /console, for browsers that sign in with an API key.")
    console_session_h: float = Field(default=12.0, gt=0, le=720, description="Hours after which somebody must sign in to the console again.")
    audit: bool = Field(default=True, description="Write a line per write and admin action into audit.jsonl in the workspace.")
    tls_certificate: str = Field(default="", description="PEM file of the certificate chain; with `tls_key` the API speaks HTTPS itself.")
    tls_key: str = Field(default="", description="PEM file of its private key.")
    otlp_endpoint: str = Field(default="", pattern=r"^$|^https?://", description="OTLP/HTTP collector that traces are sent to; empty sends none.")

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone {name[:60]!r}; write a name of the IANA database, such as Europe/Berlin") from None
        return name
