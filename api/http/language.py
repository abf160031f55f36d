"""The language of an answer: what the caller accepts, as the shop has it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request

from gnn.explain.messages.languages import Languages

ACCEPT = "accept-language"


def language_of(request: Request) -> str:
    """Return the language that a request is answered in."""
    languages: Languages = request.app.state.languages
    return languages.negotiated(", ".join(request.headers.getlist(ACCEPT)))


def language_headers(language: str) -> dict[str, str]:
    """Return what an answer says of its language, and that another one may be had."""
    return {"Content-Language": language, "Vary": "Accept-Language"}


def _negotiated(
    request: Request,
    _: Annotated[
        str | None,
        Header(alias="Accept-Language", description="Languages of sentences, such as `zh-CN, en;q=0.5`; the shop's own by default."),
    ] = None,
) -> str:
    return language_of(request)


Language = Annotated[str, Depends(_negotiated)]
"""The language of the answer; a parameter of a route shows the header in the API's docs."""
