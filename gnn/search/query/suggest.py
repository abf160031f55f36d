"""Suggestions while somebody types: kinds of things, brands, categories and products that what is typed begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gnn.artifact.artifact import Artifact
from gnn.graph.walks import largest
from gnn.search.corpus import Corpus
from gnn.search.index import beginning
from gnn.text.analysis import folded, stem, tokens
from gnn.types import BoolArray

MAX_TYPED = 100
_COMPLETIONS = 12
_MOST_READ = 2_000
_NAMED = (("brand", "has_brand"), ("category", "has_category"))


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One suggestion.

    Attributes:
        kind: "kind", "brand", "category" or "product".
        text: What would be searched for, or the product's title.
        item_id: Of a product.
    """

    kind: str
    text: str
    item_id: str | None = None


class Suggester:
    """Suggests over the items of one snapshot.

    Args:
        corpus: The items.
        artifact: Their names, brands and categories.
        shown: Which items may be shown, [n_items].
    """

    def __init__(self, corpus: Corpus, artifact: Artifact, shown: BoolArray) -> None:
        self._corpus, self._artifact, self._shown = corpus, artifact, shown

    def suggest(self, typed: str, k: int = 8) -> list[Suggestion]:
        """Return suggestions: kinds first, then brands and categories, then products.

        Args:
            typed: What was typed so far; the last word may be unfinished.
            k: How many at most.
        """
        text = folded(typed[:MAX_TYPED]).strip()
        words = [token.term for token in tokens(text) if token.whole]
        if not words:
            return []
        last = text.split()[-1]
        matches = [Suggestion("kind", name) for name in self._kinds(text)[: max(2, k // 2)]]
        for kind, _ in _NAMED:
            matches += [Suggestion(kind, name) for name in self._names(kind, text)[:2]]
        matches += [Suggestion("product", self._artifact.titles[doc], self._artifact.item_ids[doc]) for doc in self._products(words, last, k)]
        return list({(one.kind, one.text.casefold()): one for one in reversed(matches)}.values())[::-1][:k]

    def _kinds(self, text: str) -> list[str]:
        df = self._corpus.base.statistics.df
        matches = beginning(self._phrases, text, _MOST_READ)
        return sorted(matches, key=lambda name: (-min(df.get(stem(word), 0) for word in name.split()), name))

    def _names(self, node_type: str, text: str) -> list[str]:
        ordered, shown = self._named(node_type)
        return [shown[name] for name in beginning(ordered, text, _MOST_READ)[:20]]

    def _products(self, words: Sequence[str], last: str, k: int) -> list[int]:
        """Return the items that have all words, the last one as a beginning."""
        n = self._corpus.n_items
        scores, had = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.int32)
        for word in words[:-1]:
            docs, values = self._corpus.addends(word)
            scores[docs] += values
            had[docs] += 1
        best = np.zeros(n, dtype=np.float32)
        for term in dict.fromkeys([words[-1], *self._corpus.base.beginning_with(last, _COMPLETIONS)]):
            docs, values = self._corpus.addends(term)
            best[docs] = np.maximum(best[docs], values)
        complete = np.flatnonzero((had == len(words) - 1) & (best > 0) & self._shown)
        order = largest((scores + best)[complete], None, k)
        return [int(doc) for doc in complete[order]]

    @cached_property
    def _phrases(self) -> list[str]:
        return sorted(self._corpus.base.statistics.kinds.phrases)

    def _named(self, node_type: str) -> tuple[list[str], dict[str, str]]:
        if node_type not in self._known_names:
            shown = {folded(name): name for name in self._artifact.node_keys.get(node_type, ())}
            self._known_names[node_type] = sorted(shown), shown
        return self._known_names[node_type]

    @cached_property
    def _known_names(self) -> dict[str, tuple[list[str], dict[str, str]]]:
        return {}
