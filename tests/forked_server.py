"""Runs the API in forked processes, so that a test can start and kill it in a tenth of a second: `python forked_server.py WORKSPACE PORT`.

Each line on stdin starts one more server, whose process id is answered on stdout; the end of stdin ends them all.
"""

from __future__ import annotations

import os
import signal
import sys

import alembic.command
import uvicorn
import uvicorn.protocols.http.httptools_impl

from api import app

READY = (alembic.command, uvicorn.protocols.http.httptools_impl)
"""Imported before the fork, so that no child has to."""


def serve(workspace: str, port: int) -> None:
    os.environ[app.WORKSPACE_VARIABLE] = workspace
    uvicorn.run("api.app:from_environment", factory=True, host="127.0.0.1", port=port, access_log=False, log_level="warning")


def main() -> None:
    # Exited children are reaped by the kernel.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    children = []
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.close(0)
            serve(sys.argv[1], int(sys.argv[2]))
            os._exit(0)
        children.append(pid)
        print(pid, flush=True)
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
