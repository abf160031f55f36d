"""Notifications of how a rebuild ended: a webhook, signed and tried again, and a command. Neither can change how it ended."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from etl.settings import RebuildConfig
from kg.errors import GateError, ReckonError

SIGNATURE, TIMESTAMP = "X-Reckon-Signature", "X-Reckon-Timestamp"
_TIMEOUT_S, _COMMAND_TIMEOUT_S = 10.0, 60.0
_AGAIN = (408, 425, 429, 500, 502, 503, 504)
Note = Callable[[str], None]


def message(shop: str, build_id: str, seconds: float, error: BaseException | None = None, record: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the content of a notification.

    Args:
        shop: Name of the shop.
        build_id: The build; empty where none was begun.
        seconds: How long the run took.
        error: Why it failed; None where it succeeded.
        record: What `run.json` says of the build.
    """
    known = record or {}
    event = "success" if error is None else "gate_failure" if isinstance(error, GateError) else "error"
    payload: dict[str, Any] = {"event": event, "shop": shop, "build_id": build_id, "seconds": round(seconds, 1), "time_s": round(time.time(), 3)}
    payload |= {"stage": known.get("stage", ""), "gates": known.get("gates", {}), "accepted": known.get("accepted", {})}
    if error is not None:
        said = error.message if isinstance(error, ReckonError) else f"{type(error).__name__}: {error}"
        payload |= {"error": type(error).__name__, "reason": said[:2000], "hint": getattr(error, "hint", "")}
    return payload


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a message: HMAC-SHA256 over "timestamp.body".

    >>> signature("secret", "1700000000", b"{}")[:20]
    'sha256=b8569b78799ff'
    """
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def notify(settings: RebuildConfig, payload: Mapping[str, Any], note: Note, pause: Callable[[float], None] = time.sleep) -> bool:
    """Send it to the webhook and to the command, and say whether both were reached; the one that was not is named by `note`."""
    body = json.dumps(payload, sort_keys=True, default=str).encode()
    reached = [_run(settings, body, str(payload["event"]), note)] if settings.command else []
    return all([*reached, *([_post(settings, body, note, pause)] if settings.webhook else [])])


def _post(settings: RebuildConfig, body: bytes, note: Note, pause: Callable[[float], None]) -> bool:
    secret, why = settings.webhook_secret.get_secret_value(), ""
    for attempt in range(settings.attempts):
        if attempt:
            pause(2.0 ** (attempt - 1))
        timestamp = str(int(time.time()))
        headers = {"Content-Type": "application/json", TIMESTAMP: timestamp}
        if secret:
            headers[SIGNATURE] = signature(secret, timestamp, body)
        try:
            status = httpx.post(settings.webhook, content=body, headers=headers, timeout=_TIMEOUT_S).status_code
        except httpx.HTTPError as error:
            why = f"{type(error).__name__}: {error}"
            continue
        if status < 300:
            return True
        why = f"it answered {status}"
        if status not in _AGAIN:
            break
    note(f"the webhook {settings.webhook.split('?')[0]} was not reached: {why}")
    return False


def _run(settings: RebuildConfig, body: bytes, event: str, note: Note) -> bool:
    try:
        done = subprocess.run([*settings.command, event], input=body, timeout=_COMMAND_TIMEOUT_S, check=False)  # noqa: S603 - the operator's own
    except (OSError, subprocess.TimeoutExpired) as error:
        note(f"the command {settings.command[0]} did not run: {error}")
        return False
    if done.returncode:
        note(f"the command {settings.command[0]} ended with {done.returncode}")
    return done.returncode == 0
