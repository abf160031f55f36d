"""Runs `reckon` commands in forked processes, so that a test can start and kill them without waiting for imports: `python -m tests.forked_job`.

Each line on stdin is the arguments of a command as JSON; its process id is answered on stdout, and its exit status on the next line when it ended.
"""

from __future__ import annotations

import json
import os
import sys

import spacy.lang.en
import torch_geometric.nn

import etl.stages.evaluation
import etl.stages.importing
import etl.stages.training
from etl.cli.app import main as reckon

READY = (spacy.lang.en, torch_geometric.nn, etl.stages.evaluation, etl.stages.importing, etl.stages.training)
"""Imported before the fork, so that no child has to; nothing is computed here, as threads do not survive a fork."""


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            output = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(output, number)
            sys.argv = ["reckon", *json.loads(line)]
            try:
                reckon()
            except SystemExit as ended:
                os._exit(ended.code if isinstance(ended.code, int) else 0)
            finally:
                os._exit(70)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
