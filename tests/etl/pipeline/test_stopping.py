"""SIGTERM: ordinary code stops at once, native code that does not come back is ended in time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

STOP = """
import signal, sys, time
from etl.pipeline.stopping import STOPPED_EXIT, stopping
try:
    with stopping({within}):
        {work}
except KeyboardInterrupt:
    print("in order", flush=True)
    sys.exit(STOPPED_EXIT)
"""
# As native code does it: the signal is handled by Python when it comes back, and what it raises is swallowed there.
STUBBORN = """
        while True:
            try:
                print("begun", flush=True)
                time.sleep(60)
            except KeyboardInterrupt:
                pass
"""


@pytest.mark.parametrize(
    ("work", "in_order"), [('print("begun", flush=True); time.sleep(60)', True), (STUBBORN.strip(), False)], ids=["ordinary", "stubborn"]
)
def test_it_ends_with_130(work: str, in_order: bool) -> None:
    code = STOP.format(within=30.0 if in_order else 0.5, work=work)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert ("in order" in said) == in_order
    assert time.monotonic() - started < 25
