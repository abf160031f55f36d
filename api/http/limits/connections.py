"""The connection below ASGI: headers are bounded in bytes and in time while they arrive, before any of our code is asked."""

from __future__ import annotations

import asyncio
import secrets
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_ANSWER = (
    b"HTTP/1.1 %s\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    b'{"type":"about:blank","title":"%s","status":%d,"detail":"%s","request_id":"%s"}'
)


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which alone would keep headers that never end, for ever.

    Attributes:
        max_header_bytes: Largest head of a request.
        header_timeout_s: Time in which it must have arrived.
    """

    max_header_bytes: ClassVar[int] = 16_384
    header_timeout_s: ClassVar[float] = 10.0
    _in_head = True
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    @classmethod
    def bound(cls, max_header_bytes: int, header_timeout_s: float) -> None:
        """Set the bounds of this process's connections; the request line and separators get room beside the headers."""
        cls.max_header_bytes, cls.header_timeout_s = 2 * max_header_bytes, header_timeout_s

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it the same way
        """Start the clock of the first head."""
        super().connection_made(transport)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what arrives while a head is incomplete."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self.max_header_bytes:
                self._end(b"431 Request Header Fields Too Large", b"Headers too large", 431)

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._start_clock()

    def on_headers_complete(self) -> None:
        """End a head."""
        self._in_head = False
        self._stop_clock()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP with a problem, as everything else is answered."""
        self._end(b"400 Bad Request", b"Not an HTTP request", 400)

    def _start_clock(self) -> None:
        self._stop_clock()
        self._head_timer = self.loop.call_later(self.header_timeout_s, self._end, b"408 Request Timeout", b"Request timeout", 408)

    def _stop_clock(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end(self, line: bytes, title: bytes, status: int) -> None:
        if not self.transport.is_closing():
            values = (title, status, title, secrets.token_hex(8).encode())
            body = len(_ANSWER.partition(b"\r\n\r\n")[2] % values)
            self.transport.write(_ANSWER % (line, body, *values))
            self.transport.close()
