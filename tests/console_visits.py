"""The console as a browser without scripts sees it: signed in, following redirects, sending forms with their token."""

from __future__ import annotations

import re
from html import unescape

from httpx2 import Response
from starlette.testclient import TestClient

TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


def sign_in(client: TestClient, key: str, **headers: str) -> Response:
    """Sign in with the text of a key, or with the header that carries one."""
    page = client.get("/console/sign-in", headers=headers)
    fields = {"csrf": token_of(page), "key": key.removeprefix("Bearer "), "next": ""}
    return client.post("/console/sign-in", data=fields, headers=headers, follow_redirects=False)


def token_of(page: Response) -> str:
    """Return the token of a page's forms."""
    match = TOKEN.search(page.text)
    assert match is not None, page.text[:300]
    return match[1]


def send(client: TestClient, address: str, page: str, /, **fields: str | list[str]) -> Response:
    """Send a form of a page."""
    token = token_of(client.get(page))
    return client.post(address, data={"csrf": token, **fields}, follow_redirects=False)


def words(page: Response) -> str:
    """Return the text of a page, without its tags, with single blanks."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.text)).split())
