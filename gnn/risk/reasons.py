"""Why a transaction scored as it did: exact shares of the log-odds, grouped into what a person would say, with the earlier rows they rest on.

The log-odds of a row's reasons, the usual level and the share of fraud lately add up to the log-odds of its score.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import logit

from gnn.risk.label_features import class_codes
from gnn.risk.model import Scored
from gnn.risk.past import Floats, Ints, Past
from gnn.risk.transactions import FRAUD, UNKNOWN

MOST = 5
"""Groups listed per row; the others are added up."""
MOST_ROWS = 3
THRESHOLD = 0.5
"""A score from here on is one to look into; `clears` says what would bring it below."""
SCHEMA = pl.List(pl.Struct({"sentence": pl.String, "log_odds": pl.Float64, "share": pl.Float64, "rows": pl.List(pl.String)}))
_COLUMNS = {"S": "source", "T": "target", "L": "location", "Y": "type"}
_CLASSES = {"N": "sources with as many earlier transactions", "G": "sources that were last seen as long ago"}
_AMOUNTS = re.compile(r"ratio|z\d*|spread|peak|step\d|move|r\d+|sum\d+")
_ENTITY = re.compile(r"label\.([A-Z]+)\.|([A-Z]+)\.(.+)|(amount)")


@dataclass(frozen=True, slots=True)
class Group:
    """Features that one sentence is about: the sentence states the count of the entity, the share holds its combinations with others too.

    Attributes:
        kind: "amount", "pace", "amounts", "same", "share", "new" or "label".
        key: Entities, as in `gnn.risk.features.KEYS`.
    """

    kind: str
    key: str


def group_of(name: str) -> Group:
    """Return the group of a feature.

    >>> group_of("ST.gap3"), group_of("label.TY.rate500")
    (Group(kind='pace', key='ST'), Group(kind='label', key='T'))
    """
    match = _ENTITY.match(name)
    if match is None or match[4]:
        return Group("amount", "")
    if match[1]:
        return Group("label", _owner(match[1]))
    what, key = match[3], match[2]
    for kind in ("same", "share", "new"):
        if what.startswith(kind):
            return Group(kind, key)
    if _AMOUNTS.fullmatch(what):
        return Group("amounts", _owner(key))
    repeated = "S" in key and bool(set(key) & {"A", "B"})
    return Group("pace", "SA" if repeated else "ST" if "S" in key and len(key) > 1 else _owner(key))


def _owner(key: str) -> str:
    """Return the entity that a combination belongs to: its source, else its target, else what comes first."""
    return next((letter for letter in "ST" if letter in key), key[0])


class Reasons:
    """Explains scored transactions.

    Args:
        scored: What `gnn.risk.model.score` gave.
    """

    def __init__(self, scored: Scored) -> None:
        self._scored, self._stream = scored, scored.stream
        self._labels = scored.rows["label"].to_numpy()
        self._pasts: dict[str, Past] = {}
        self._sums: dict[str, Ints] = {}
        self._known: dict[str, Past] = {}
        self._frauds: dict[str, Ints] = {}
        self._columns = {name: scored.rows[name].to_list() for name in ("source", "target", "location", "type", "row", "scored")}
        self._times = scored.rows["time"].to_list()

    @cached_property
    def groups(self) -> tuple[list[Group], Floats]:
        """The groups, and what each adds to the calibrated log-odds of each scored row, [n, n_groups]."""
        model = self._scored.model
        groups = list(dict.fromkeys(group_of(name) for name in model.names))
        member = np.zeros((len(model.names), len(groups)))
        for place, name in enumerate(model.names):
            member[place, groups.index(group_of(name))] = 1.0
        return groups, model.calibration.slope * (model.trees.contributions(self._scored.x) @ member)

    @property
    def usual(self) -> float:
        """The log-odds of a row of which nothing is known."""
        calibration = self._scored.model.calibration
        return calibration.slope * self._scored.model.trees.mean + calibration.offset

    def table(self) -> pl.DataFrame:
        """Return one row per scored transaction, in the order of time: reasons (`SCHEMA`) and clears, empty below `THRESHOLD`."""
        rows = list(self._rows())
        return pl.DataFrame(
            {"reasons": [reasons for reasons, _ in rows], "clears": [clears for _, clears in rows]}, schema={"reasons": SCHEMA, "clears": pl.String}
        )

    def _rows(self) -> Iterator[tuple[list[dict[str, object]], str]]:
        groups, parts = self.groups
        shift, scores = self._scored.shift, self._scored.scores
        for place, at in enumerate(self._scored.at.tolist()):
            added = parts[place]
            order = np.argsort(-np.abs(added), kind="stable")
            whole = float(np.abs(added).sum()) + abs(self.usual) + abs(float(shift[place]))
            entries = [(*self._sentence(groups[group], at), float(added[group])) for group in order[:MOST].tolist()]
            others = float(added[order[MOST:]].sum())
            entries.append((f"{len(order) - len(order[:MOST])} further signals", [], others))
            entries.append(("The usual level", [], self.usual))
            if shift[place]:
                entries.append((f"Fraud is {'more' if shift[place] > 0 else 'less'} frequent lately than in training", [], float(shift[place])))
            reasons = [{"sentence": text, "log_odds": value, "share": value / whole if whole else 0.0, "rows": rows} for text, rows, value in entries]
            yield reasons, self._clears(groups, added, float(scores[place]), at)

    def _clears(self, groups: list[Group], added: Floats, score: float, at: int) -> str:
        """Say which signals, were they as usual, would bring the score below the threshold."""
        if score < THRESHOLD:
            return ""
        left, named = float(logit(min(score, 1 - 1e-12))), []
        for group in np.argsort(-added, kind="stable").tolist():
            if added[group] <= 0 or left < 0:
                break
            left -= float(added[group])
            named.append(self._sentence(groups[group], at)[0])
        if left >= 0:
            return "no single set of its signals: the level of fraud alone is above the threshold"
        return f"the score falls below {THRESHOLD} if this were as usual: {'; '.join(named[:MOST])}"

    def _sentence(self, group: Group, at: int) -> tuple[str, list[str]]:
        """Return the sentence of a group for a row, and the earlier rows that it rests on."""
        if group.kind == "amount":
            return f"The amount is {self._money(at)}", []
        if group.kind == "label":
            return self._label_sentence(group.key, at)
        past, noun = self._past(group.key), self._noun(group.key, at)
        count = int(past.count[at])
        rows = [self._name(int(row)) for row in self._latest(past, at)]
        if not count:
            return f"{_capital(noun)} is seen for the first time", []
        if group.kind == "pace":
            return f"{_capital(noun)} has {count} earlier {_plural(count)}, the last at time {self._times[int(past.rows_of(at)[-1])]:g}", rows
        if group.kind == "amounts":
            typical = np.expm1(self._log_sum(group.key)[at] / count / 10_000)
            return f"The amount {self._money(at)} against a typical {typical:.2f} of {noun} ({count} earlier {_plural(count)})", rows
        if group.kind == "same":
            return f"The transaction of {noun} before this one had {self._previous(group.key, past, at)}", rows[:1]
        if group.kind == "share":
            whole, owner = self._past(group.key[0]), self._noun(group.key[0], at)
            other = self._noun(group.key[1:], at)
            return f"{count} of the {int(whole.count[at])} earlier {_plural(int(whole.count[at]))} of {owner} had {other}", rows
        new = self._new_sources(group.key)
        return f"{int(new[at])} of the {count} earlier {_plural(count)} of {noun} were the first of their source", rows

    def _label_sentence(self, key: str, at: int) -> tuple[str, list[str]]:
        known, frauds = self._labels_of(key)
        n, noun = int(known.count[at]), self._noun(key, at)
        if not n:
            return f"No label has come back for {noun}", []
        return f"{int(frauds[at])} of {n} known labels of {noun} are fraud", [self._name(int(row)) for row in self._latest(known, at)]

    def _past(self, key: str) -> Past:
        if key not in self._pasts:
            self._pasts[key] = Past(self._stream.key(key), self._stream.before)
        return self._pasts[key]

    def _labels_of(self, key: str) -> tuple[Past, Ints]:
        if key not in self._known:
            model = self._scored.model
            seen = self._stream.known_before(model.delay / model.spacing)
            past = Past(class_codes(self._stream, key), seen, self._labels != UNKNOWN)
            self._known[key], self._frauds[key] = past, past.total((self._labels == FRAUD).astype(np.int64))
        return self._known[key], self._frauds[key]

    def _log_sum(self, key: str) -> Ints:
        if key not in self._sums:
            self._sums[key] = self._past(key).total(self._stream.logs)
        return self._sums[key]

    def _latest(self, past: Past, at: int) -> npt.NDArray[np.int64]:
        return past.rows_of(at)[-MOST_ROWS:][::-1]

    def _name(self, row: int) -> str:
        return f"{'row' if self._columns['scored'][row] else 'history'} {self._columns['row'][row]}"

    def _money(self, at: int) -> str:
        return f"{int(self._stream.cents[at]) / 100:.2f}"

    def _previous(self, key: str, past: Past, at: int) -> str:
        row = int(past.rows_of(at)[-1])
        parts = ", ".join(f"{name} {self._columns[name][row]}" for letter, name in _COLUMNS.items() if letter != key and self._columns[name][row])
        return f"{parts} and the amount {self._money(row)}"

    def _new_sources(self, key: str) -> Ints:
        return self._past(key).total(self._past("S").firsts())

    def _noun(self, key: str, at: int) -> str:
        """Name what a key stands for in a row: "source S1 with target T2"."""
        parts = []
        for letter in key:
            if letter in _COLUMNS:
                parts.append(f"{_COLUMNS[letter]} {self._columns[_COLUMNS[letter]][at] or 'unknown'}")
            else:
                parts.append({"A": f"the amount {self._money(at)}", "B": "amounts of this size"}.get(letter, _CLASSES.get(letter, "")))
        return " with ".join(parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plural(count: int) -> str:
    return "transaction" if count == 1 else "transactions"
