"""Every number in a sentence is what it says: recounted by brute force from the events and facts of generated shops."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import ModelConfig
from gnn.explain.display_titles import distinct_titles
from gnn.explain.messages.languages import Languages, english
from gnn.explain.messages.message import Text
from gnn.graph.arrays import GraphArrays
from gnn.live.overlay import Overlay
from gnn.model.history import HistoryWeights
from gnn.ratings import RatingWeights
from gnn.recommend.query import Recommendation, Recommendations, RecQuery
from gnn.recommend.recommender import Recommender
from gnn.recommend.snapshot import assemble
from gnn.recommend.strategies.registry import user_strategies
from gnn.training.fit import starting_walks
from kg.catalog.records import StoredEvent
from kg.schema import family
from tests.gnn.oracles import shop
from tests.gnn.small import small_model

T0, DAY = 1.7e9, 86_400.0
RELATIONS = {
    "bought": "purchased",
    "viewed": "viewed",
    "had in the basket": "added_to_cart",
    "rated": "rated",
    "saw in a list": "was_shown",
    "gave high ratings to": "rated",
}
THROUGH = re.compile(r"(Nobody but you|[\d,]+ other shoppers?) (.+?) (both this and|this and at least one of) (.*)", re.S)
SEVERAL = re.compile(r"^([\d,]+) items(?: you [a-z ]+| in your basket)?(?: \((.*)\)|, such as (.*))")


class Shop:
    """A generated shop with what is needed to count again."""

    def __init__(self, seed: int, folder: Path) -> None:
        rng = np.random.default_rng(seed)
        self.items = [f"i{n:02}" for n in range(24)]
        kinds = ("view", "purchase", "cart", "rating", "impression")
        keys = {(int(rng.integers(16)), int(rng.integers(22)), str(rng.choice(kinds)), int(rng.integers(60))) for _ in range(220)}
        self.events = [
            {
                "user_id": f"u{u:02}",
                "item_id": f"i{i:02}",
                "kind": kind,
                "time": T0 + day * DAY,
                **({"rating": float(rng.integers(1, 6))} if kind == "rating" else {}),
            }
            for u, i, kind, day in sorted(keys)
        ]
        self.facts = [
            (item, f"has_{name}", f"{name}{int(rng.integers(4))}") for item in self.items for name in ("brand", "color") if rng.random() < 0.8
        ]
        graph, _ = shop(self.items, self.events, self.facts)
        titles = tuple(f"Thing {n % 9}" for n in range(len(self.items)))
        graph = replace(graph, titles=titles)
        model = small_model(graph, seed, half_life=None)
        model = replace(model, history=HistoryWeights(ratings=RatingWeights.of(graph.edges)))
        self.met = self._met(graph)
        self.recommender = Recommender(load_artifact(save_artifact(folder / str(seed), graph, model, build_id="20240101T000000-abcdef")))

    def _met(self, graph: GraphArrays) -> dict[str, dict[str, set[str]]]:
        """Relation → item → users, from the events; low ratings left out by hand: the last one of a pair is up to the middle of all."""
        found: dict[str, dict[str, set[str]]] = {}
        names = {"view": "viewed", "purchase": "purchased", "cart": "added_to_cart", "impression": "was_shown"}
        last: dict[tuple[str, str], tuple[float, float]] = {}
        for event in self.events:
            user, item = str(event["user_id"]), str(event["item_id"])
            if event["kind"] in names:
                found.setdefault(names[str(event["kind"])], {}).setdefault(item, set()).add(user)
            elif event["kind"] == "rating":
                last[user, item] = max(last.get((user, item), (0.0, 0.0)), (float(event["time"]), float(event["rating"])))  # type: ignore[arg-type]
        given = [rating for _, rating in last.values()]
        for (user, item), (_, rating) in last.items():
            if rating > (min(given) + max(given)) / 2:
                found.setdefault("rated", {}).setdefault(item, set()).add(user)
        return found

    def chosen(self, item: str) -> int:
        return len(set().union(*(users.get(item, set()) for name, users in self.met.items() if name != "was_shown")))


@pytest.fixture(scope="module", params=range(4))
def generated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(int(request.param), tmp_path_factory.mktemp("sentences"))


def answers(generated: Shop) -> list[tuple[Recommender, Recommendations]]:
    recommender = generated.recommender
    fresh = [StoredEvent(1, "", "i05", "purchase", T0 + 70 * DAY), StoredEvent(2, "", "i23", "view", T0 + 71 * DAY)]
    deleted = Recommender(assemble(recommender.snapshot.engine, Overlay.of(recommender.artifact, gone=["i03", "i07"])))
    found = []
    for which in (recommender, deleted):
        for n in range(16):
            user = f"u{n:02}"
            shopper = which.users.user(user, [replace(event, user_id=user) for event in fresh] if n % 2 else [])
            found.append((which, which.answer(shopper, RecQuery(k=8, exclude_seen=n % 3 > 0))))
        found += [(which, which.similar(item, RecQuery(k=6))) for item in generated.items[::5]]
        found += [(which, which.bought_together(item, RecQuery(k=6))) for item in generated.items[::5]]
        found += [(which, which.basket(generated.items[n : n + 3], RecQuery(k=6))) for n in (0, 9, 15)]
        found += [(which, which.answer(which.users.user("u01"), RecQuery(k=8, strategy=name))) for name in user_strategies()]
        found += [(which, which.answer(which.users.user("nobody"), RecQuery(k=24)))]
    return found


def test_counts_are_those_of_the_events(generated: Shop) -> None:
    seen: Counter[str] = Counter()
    n_items = 0
    for _, answer in answers(generated):
        for item in answer.items:
            n_items += 1
            for reason in item.reasons:
                seen[reason.kind] += 1
                assert not re.search(r"\b0 shoppers", reason.sentence)
                assert not re.search(r"\b0 other", reason.sentence)
                assert not re.search(r"\b1 (other )?(shoppers|items|times)\b", reason.sentence)
                if reason.kind == "graph":
                    check_graph(generated, answer, item, reason.sentence)
                elif reason.kind in ("popular", "catalogue"):
                    count = re.search(r"by ([\d,]+) shopper", reason.sentence)
                    assert (int(count[1]) if count else 0) == generated.chosen(item.item_id)
                elif reason.kind == "trending":
                    lately = re.search(r"by ([\d,]+) shopper", reason.sentence)
                    assert lately is not None
                    assert int(lately[1]) == trending(generated, item.item_id)
                elif reason.kind == "buy_again":
                    bought = sum(
                        e["user_id"] == answer.user_id and e["item_id"] == item.item_id and e["kind"] == "purchase" for e in generated.events
                    )
                    assert f"{bought} times" in reason.sentence or (bought == 1 and "once" in reason.sentence)
                elif reason.kind == "learned":
                    check_several(generated, reason.sentence)
                    assert ("neighbours in the graph" in reason.sentence) or generated.chosen(item.item_id)
                    assert ("counts against" in reason.sentence) == (reason.share < 0)
    assert n_items >= 500 / 4
    assert {"graph", "learned", "popular", "catalogue", "trending", "buy_again", "new"} <= set(seen)


WORDS = {"Nobody but you": "0", "once": "1", "in the day ": "in the 1 days ", "除您之外没有其他顾客": "0 位顾客"}


def numbers(text: str) -> list[float]:
    """Return every number of a sentence but those of titles."""
    text = re.sub("‘[^’]*’|“Thing[^”]*”", "", text)
    for words, number in WORDS.items():
        text = text.replace(words, number)
    return sorted(float(found.replace(",", "")) for found in re.findall(r"\d[\d,]*(?:\.\d+)?", text))


def test_chinese_has_the_same_numbers_and_titles(generated: Shop) -> None:
    """The English ones are counted again above."""
    chinese, seen = Languages.of()["zh"], Counter[str]()
    for _, answer in answers(generated):
        shown = [chinese.text(item.shown_title) for item in answer.items]
        assert len(set(shown)) == len(shown)
        for item in answer.items:
            for reason in item.reasons:
                text = chinese.text(reason.message)
                seen[reason.kind] += 1
                assert numbers(text) == numbers(reason.sentence), (text, reason.sentence)
                assert [part[:7] for part in re.findall("“(Thing[^”]*)”", text)] == [part[:7] for part in re.findall("‘([^’]*)’", reason.sentence)]
                assert re.search("[一-鿿]", text)
                assert not re.search(r"\{|\}|\b(?!Thing|item|brand|color)[a-z]{3,}\b", re.sub("“Thing[^”]*”|(brand|color)\\d", "", text)), text
                if reason.share < 0:
                    assert "降低" in text
    assert {"graph", "learned", "popular", "catalogue", "trending", "buy_again", "new", "impressions"} <= set(seen)


def check_several(generated: Shop, text: str) -> int:
    """Check how history items are named, and return how many there are."""
    told = text.split("goes with ")[-1].split("beside ")[-1]
    found = SEVERAL.match(told)
    named = re.findall(r"‘([^’]*)’", told)
    assert len(set(named)) == len(named)
    if not found:
        assert len(named) == 1
        return 1
    count = int(found[1].replace(",", ""))
    assert count > len(named) if found[3] else count == len(named) == 2
    return count


def check_graph(generated: Shop, answer: Recommendations, item: Recommendation, sentence: str) -> None:
    found = THROUGH.match(sentence)
    if found is None:
        return check_value(generated, sentence, item.item_id)
    count = 0 if found[1] == "Nobody but you" else int(found[1].split()[0].replace(",", ""))
    n_named = check_several(generated, found[4])
    assert (found[3] == "both this and") == (n_named == 1)
    met = generated.met[RELATIONS[found[2]]]
    reason = next(r for r in item.reasons if r.sentence == sentence)
    starts = {node.key["item_id"] for path in reason.paths for node in path.nodes[:2] if node.label == "Item" and node.key} - {item.item_id}
    if len(starts) < n_named:
        # Not every path is shown: count from the whole history, of which n_named items share a shopper with this one.
        starts = {e["item_id"] for e in generated.events if e["user_id"] == answer.user_id} | starts | {"i05"}  # type: ignore[assignment]
        starts = {start for start in starts if met.get(start, set()) & met[item.item_id]} - {item.item_id}
        if len(starts) != n_named:
            return None
    others = {user for start in starts for user in met.get(start, set()) & met[item.item_id]} - {answer.user_id}
    assert len(others) == count
    return None


def check_value(generated: Shop, sentence: str, item_id: str) -> None:
    found = re.match(r"Same (\w+) as (.*): (\w+)$", sentence)
    assert found is not None, sentence
    assert (item_id, f"has_{found[1]}", found[3]) in generated.facts
    holders = sum(fact[1:] == (f"has_{found[1]}", found[3]) for fact in generated.facts) - 1
    assert 1 <= check_several(generated, found[2]) <= holders


def trending(generated: Shop, item_id: str) -> int:
    choices = {(user, item) for name, users in generated.met.items() if name != "was_shown" for item, met in users.items() for user in met}
    last: dict[tuple[str, str], float] = {}
    for relation, kind in (("viewed", "view"), ("purchased", "purchase"), ("added_to_cart", "cart"), ("rated", "rating")):
        for event in generated.events:
            pair = str(event["user_id"]), str(event["item_id"])
            if event["kind"] == kind and pair[0] in generated.met[relation].get(pair[1], set()):
                last[pair] = max(last.get(pair, 0.0), float(event["time"]))  # type: ignore[arg-type]
    assert set(last) == choices
    end = max(last.values())
    return sum(item == item_id and time > end - 7 * DAY for (_, item), time in last.items())


def test_no_list_shows_two_items_alike(generated: Shop) -> None:
    twins = 0
    for _, answer in answers(generated):
        shown = [item.display_title for item in answer.items]
        assert len(set(shown)) == len(shown)
        twins += len({item.title for item in answer.items}) < len(shown)
        assert all(item.display_title.startswith(item.title) for item in answer.items)
    assert twins


def written(titles: Mapping[int, Text]) -> dict[int, str]:
    return {num: english().text(title) for num, title in titles.items()}


def test_twins_are_told_apart_by_what_differs(generated: Shop) -> None:
    artifact = generated.recommender.artifact
    color = {item: value for item, relation, value in generated.facts if relation == "has_color"}
    pairs = [(a, b) for a in range(15) for b in (a + 9,) if color.get(generated.items[a], "x") != color.get(generated.items[b], "x")]
    pairs = [(a, b) for a, b in pairs if generated.items[a] in color and generated.items[b] in color]
    for a, b in pairs:
        named = written(distinct_titles(artifact, [a, b]))
        assert named == {num: f"{artifact.titles[num]} ({color[generated.items[num]]})" for num in (a, b)}
    same = written(distinct_titles(replace(artifact, edges={}), [0, 9]))
    assert same == {0: "Thing 0 (item i00)", 9: "Thing 0 (item i09)"}
    priced = replace(artifact, edges={}, price_cents=np.arange(0, 2400, 100, dtype=np.float64))
    assert written(distinct_titles(priced, [0, 9])) == {0: "Thing 0 (price 0.00)", 9: "Thing 0 (price 9.00)"}


def test_seven_shoppers_in_common_outrank_one(tmp_path: Path) -> None:
    """The one who bought the rare item bought little else; the seven bought much, and the other item sells well."""
    pairs = [("u0", "anchor"), ("u0", "rare")]
    for n in range(1, 8):
        pairs += [(f"u{n}", item) for item in ("anchor", "usual", *(f"o{(n + k) % 20}" for k in range(12)))]
    pairs += [(f"v{n}", "usual") for n in range(40)]
    items = ["anchor", "rare", "usual", *(f"o{n}" for n in range(20))]
    graph, _ = shop(items, [{"user_id": user, "item_id": item} for user, item in pairs], [])
    for exponent in (0.0, 0.5, 1.0):
        model = replace(
            small_model(graph, 1),
            walks=tuple(replace(walk, middle_exponent=exponent, end_exponent=exponent) for walk in starting_walks(graph, ModelConfig())),
        )
        recommender = Recommender(load_artifact(save_artifact(tmp_path / str(exponent), graph, model, build_id="20240101T000000-abcdef")))
        answer = recommender.bought_together("anchor", RecQuery(k=30))
        ranks = {item.item_id: item.rank for item in answer.items}
        assert ranks["rare"] > ranks["usual"]
        usual = answer.items[ranks["usual"] - 1]
        assert usual.reasons[0].sentence == "7 other shoppers bought both this and ‘anchor’"
        for item in answer.items:
            assert sum(reason.share for reason in item.reasons) + item.remainder == pytest.approx(1, abs=1e-6)


def test_what_counts_against_never_leads(generated: Shop) -> None:
    negative = 0
    for _, answer in answers(generated):
        for item in answer.items:
            if item.reasons:
                assert item.reasons[0].share >= 0
            negative += any(reason.share < 0 for reason in item.reasons)
    assert negative


def test_families_are_known(generated: Shop) -> None:
    assert {family(edge_type) for edge_type in generated.recommender.artifact.edges} == {"interaction", "attribute", None}
