"""First steps in a real browser: the page that asks for a key, the documentation behind it, Authorize and Try it out; nothing from outside."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from api.keys.key_store import KeyStore
from kg.workspace import Workspace
from tests.small_shop import copy_of, serving, small_app

CALL = "#operations-recommendations-recommend_v1_users__user_id__recommendations_get"


@pytest.fixture
def workspace(small_shop: Workspace, tmp_path: Path) -> Workspace:
    return copy_of(small_shop, tmp_path / "shop")


def test_a_browser_is_told_about_the_key_and_tries_a_call_out(browser: Any, workspace: Workspace) -> None:
    key = KeyStore(workspace.keys).create(["recommend:read"])
    with serving(small_app(workspace)) as url:
        stranger = browser.new_page()
        # A Basic challenge is answered by nobody here: what is shown is what a person sees who closes the browser's question.
        seen = stranger.request.get(f"{url}/docs", headers={"Accept": "text/html"})
        assert seen.status == 401
        stranger.set_content(seen.text())
        assert "give the key as the password" in stranger.inner_text("body")

        asked: list[str] = []
        page = browser.new_context(http_credentials={"username": "any", "password": key}, viewport={"width": 1200, "height": 1000}).new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{url}/docs")
        page.click("button.authorize")
        page.fill(".auth-container input >> nth=0", key)
        page.click(".auth-btn-wrapper button.authorize >> nth=0")
        page.click(".auth-btn-wrapper button.btn-done >> nth=0")
        page.click(f"{CALL} .opblock-summary-control")
        page.click(f"{CALL} .try-out__btn")
        page.fill(f"{CALL} tr[data-param-name='user_id'] input", "u")
        page.fill(f"{CALL} tr[data-param-name='k'] input", "1")
        page.click(f"{CALL} button.execute")
        page.wait_for_selector(f"{CALL} .live-responses-table .response-col_status")
        assert page.inner_text(f"{CALL} .live-responses-table tbody .response-col_status").split()[0] == "200"
        assert '"strategy": "personal"' in page.inner_text(f"{CALL} .live-responses-table tbody .response-col_description")
        assert all(address.startswith((url, "data:")) for address in asked), asked
        pictures = os.environ.get("RECKON_TEST_PICTURES")
        if pictures:
            page.locator(f"{CALL} .responses-wrapper").scroll_into_view_if_needed()
            # The key is in the curl line that the page shows.
            page.evaluate("document.querySelectorAll('.curl-command').forEach(each => each.remove())")
            page.screenshot(path=str(Path(pictures) / "docs.png"))
