"""A port that nothing listens on, and that no other process of the tests is given."""

from __future__ import annotations

import itertools
import os
import random
import re
import socket

_FIRST, _LAST, _SHARE = 16_000, 32_000, 500
"""Below the ports that outgoing connections get, so that none of those takes one between the choice and the use."""


def _own_ports() -> range:
    """Return this process's share of the ports: each worker of pytest-xdist has another."""
    worker = re.search(r"\d+$", os.environ.get("PYTEST_XDIST_WORKER", ""))
    shares = (_LAST - _FIRST) // _SHARE
    number = (os.getppid() + (int(worker[0]) if worker else 0)) % shares
    return range(_FIRST + number * _SHARE, _FIRST + (number + 1) * _SHARE)


_PORTS = itertools.cycle(random.SystemRandom().sample(_own_ports(), _SHARE))


def free_port() -> int:
    """Return the next port of this process that nothing listens on."""
    for port in itertools.islice(_PORTS, _SHARE):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no port is free among {_own_ports()}")
