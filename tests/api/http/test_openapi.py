"""The whole OpenAPI document held against the running application, and a thousand bodies that no schema would make."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CheckFunction, load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from kg.workspace import Workspace
from tests.small_shop import key_of, serving, small_app

EXAMPLES = 4
load_all_checks()
NOT_SAID: list[CheckFunction] = [positive_data_acceptance]
"""What a schema allows may still be refused: filters are held against the graph, rules against themselves, k against the configuration."""
NO_DATABASE = ("/v1/cypher", "/v1/queries/{name}/run")
"""The shop of this test has no graph database that runs: calls of it are answered 503 where nothing else is wrong with them."""
PHASES = (Phase.explicit, Phase.generate)


@pytest.fixture(scope="module")
def served(small_shop: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of the small shop, and a key for everything."""
    workspace = Workspace.open(shutil.copytree(small_shop.root, tmp_path_factory.mktemp("openapi") / "shop", symlinks=True))
    with serving(small_app(workspace, {"public_docs": True})) as url:
        yield url, key_of(workspace)


@pytest.fixture(scope="module")
def schema(served: tuple[str, dict[str, str]]) -> schemathesis.BaseSchema:
    schema = schemathesis.openapi.from_url(f"{served[0]}/openapi.json")
    # A query string that is too long as a whole is refused as such, with 431, before its parameters are read.
    schema.config.checks.negative_data_rejection.expected_statuses.append("431")
    return schema


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
def test_every_call_answers_as_the_document_says(
    schema: schemathesis.BaseSchema, served: tuple[str, dict[str, str]], mode: schemathesis.GenerationMode
) -> None:
    _, key = served
    wrong, n_calls = [], 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=PHASES)
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case[Any]) -> None:
            nonlocal n_calls
            n_calls += 1
            excluded = [*NOT_SAID, not_a_server_error] if case.operation.path in NO_DATABASE else NOT_SAID
            case.call_and_validate(headers=key, excluded_checks=excluded)

        try:
            check()
        except Unsatisfiable:
            # An operation without parameters and body cannot be called wrongly.
            assert mode == schemathesis.GenerationMode.NEGATIVE
        except BaseExceptionGroup as error:
            wrong.append(f"{operation.label}: {error!r}")
    assert not wrong, "\n\n".join(wrong)
    assert n_calls > EXAMPLES


def writes(document: dict[str, Any]) -> list[tuple[str, str, object]]:
    """Return every call with a body, with a body that it takes: the example of the document."""
    found = []
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            content = call.get("requestBody", {}).get("content", {}).get("application/json")
            if content is not None:
                found.append((method.upper(), path, example_of(content, document)))
    return found


def example_of(content: dict[str, Any], document: dict[str, Any]) -> object:
    if "examples" in content:
        return next(iter(content["examples"].values()))["value"]
    if "example" in content:
        return content["example"]
    schema = content["schema"]
    many = schema.get("type") == "array"
    schema = schema.get("items", {}) if many else schema
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    example = (schema.get("examples") or [{}])[0]
    return [example] if many else example


def spoilt(value: object, chance: random.Random) -> bytes:
    """Return a body that is broken in one of many ways, as text or as data."""
    text = json.dumps(value).encode()
    match chance.randrange(10):
        case 0:
            return text[: chance.randrange(len(text))]
        case 1:
            place = chance.randrange(len(text))
            return text[:place] + bytes(chance.randrange(256) for _ in range(4)) + text[place + 1 :]
        case 2:
            return b"[" * chance.randrange(1, 5_000) + text
        case 3:
            return b'{"a":' * chance.randrange(1, 200) + text + b"}" * chance.randrange(200)
        case 4:
            return text.replace(b"1", b"1e999").replace(b"null", b"NaN").replace(b"true", b"Infinity")
        case 5:
            return text + text
        case 6:
            return b"\xff\xfe" + text.decode().encode("utf-16-le")
        case _:
            return json.dumps(changed(value, chance)).encode()


STRANGE: tuple[object, ...] = (
    *(None, True, -1, 10**400, 1e308, -0.0, 2**63, [], {}, [[]], {"": {}}, ["\x00"]),
    *("", "\x00", "\ud800", "x" * 5_000, "2026-13-45T99:99:99Z", "NaN"),
)


def changed(value: object, chance: random.Random) -> object:
    """Return data with a strange value somewhere in it."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        if chance.random() < 0.2:
            return {**value, chance.choice(["", "\x00", "x" * 300, "__class__"]): chance.choice(STRANGE)}
        return {**value, name: changed(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        return [*value[:place], changed(value[place], chance), *value[place + 1 :]]
    return chance.choice(STRANGE)


def test_a_thousand_malformed_bodies_are_refused_with_a_problem(served: tuple[str, dict[str, str]]) -> None:
    url, key = served
    chance = random.Random(20261124)
    with httpx.Client(base_url=url, headers={**key, "Content-Type": "application/json"}, timeout=30) as client:
        calls = writes(client.get("/openapi.json").json())
        assert {path for _, path, _ in calls} >= {"/v1/events", "/v1/users", "/v1/users/{user_id}", "/v1/rules/{rule_id}", "/v1/rules/preview"}
        statuses: Counter[int] = Counter()
        for n in range(1_000):
            method, path, example = calls[n % len(calls)]
            body = spoilt(example, chance)
            answer = client.request(method, re.sub(r"\{[^}]*\}", "x", path), content=body)
            statuses[answer.status_code] += 1
            # What is strange may still be right: an unusual title is a title. It is never our mistake.
            assert answer.status_code < 500 or (answer.status_code == 503 and path in NO_DATABASE), (method, path, body[:300], answer.text)
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", (method, path, body[:300])
                assert answer.json()["status"] == answer.status_code
        assert sum(count for status, count in statuses.items() if 400 <= status < 500) > 700, statuses
