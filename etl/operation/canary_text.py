"""What `reckon status` says of a canary, as lines and as Prometheus metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kg.canary.comparison import ARMS

_NAMES = {"canary": "canary", "control": "published"}


def lines(canary: Mapping[str, Any]) -> list[str]:
    """Return a canary with what was measured of both arms; nothing where there was none."""
    if not canary:
        return []
    what = f"canary      build {canary['build_id']} "
    if canary["state"] == "running":
        promoted = f", promoted by itself after {canary['promote_after_s'] / 3600:g} hours" if canary["promote_after_s"] is not None else ""
        said = [f"{what}answers {canary['share']:.1%} of the users beside {canary['published']}{promoted}"]
    else:
        said = [f"{what}{canary['state']}: {canary['reason']}"]
    if not any(canary[arm]["lists"] + canary[arm]["errors"] for arm in ARMS):
        return [*said, "            nothing was measured yet" if canary["state"] == "running" else "            nothing was measured"]
    said += [f"            {_NAMES[arm]:9} {_arm(canary[arm])}" for arm in ARMS]
    for kind, p_value in canary["p_values"].items():
        shares = " and ".join(f"{_share(canary[arm], kind)} {_NAMES[arm]}" for arm in ARMS)
        sure = "too few to compare" if p_value is None else f"p = {p_value:.3g}" + ("" if p_value < 0.05 else ", no certain difference")
        said.append(f"            users with a {kind} within {canary['window_s'] / 60:g} minutes after a list: {shares} ({sure})")
    return said


def _arm(measured: Mapping[str, Any]) -> str:
    slow = "–" if not measured["lists"] else "more than 5000" if measured["p95_ms"] is None else f"at most {measured['p95_ms']}"
    return (
        f"{measured['lists']:,} lists for {measured['users']:,} users, {measured['errors']:,} failed ({measured['error_fraction']:.2%}), "
        f"95 % in {slow} ms"
    )


def _share(measured: Mapping[str, Any], kind: str) -> str:
    did = measured["users_with"].get(kind, 0)
    return f"{did:,} of {measured['users']:,} ({did / max(measured['users'], 1):.1%})"


def metrics(canary: Mapping[str, Any]) -> str:
    """Return the same in the text format of Prometheus; nothing where there was no canary."""
    if not canary:
        return ""
    running = int(canary["state"] == "running")
    text = _family("reckon_canary_running", "Whether a build is tried out.", {"": running})
    text += _family("reckon_canary_withdrawn", "Whether the last canary was withdrawn.", {"": int(canary["state"] == "withdrawn")})
    for name, about in {"lists": "Lists answered.", "errors": "Requests that failed.", "users": "Users who got lists."}.items():
        text += _family(f"reckon_canary_{name}", about, {f'{{arm="{arm}"}}': canary[arm][name] for arm in ARMS})
    with_kind = {f'{{arm="{arm}",kind="{kind}"}}': n for arm in ARMS for kind, n in canary[arm]["users_with"].items()}
    return text + (_family("reckon_canary_users_with", "Users who did this after a list.", with_kind) if with_kind else "")


def _family(name: str, about: str, values: Mapping[str, float]) -> str:
    return f"# HELP {name} {about}\n# TYPE {name} gauge\n" + "".join(f"{name}{labels} {value}\n" for labels, value in values.items())
