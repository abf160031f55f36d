"""A browser, which several tests of the whole path look through."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium; the program is named by RECKON_TEST_CHROMIUM."""
    program = os.environ.get("RECKON_TEST_CHROMIUM")
    if not program:
        pytest.skip("no browser: RECKON_TEST_CHROMIUM is not set")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield chromium
        finally:
            chromium.close()
