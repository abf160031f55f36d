"""The plural taken from English words: the one stemmer, for whatever compares words of titles, queries and reviews."""

from __future__ import annotations


def singular(word: str) -> str:
    """Take the plural from an English word in small letters.

    A catalogue's words are nouns; anything stronger than this joins brands ("Organix") with words ("organic").

    Source: Harman 1991, "How effective is suffixing?", JASIS 42(1), the S stemmer; "-xes", "-ches", "-shes", "-sses" added.

    >>> [singular(word) for word in ("berries", "glasses", "boxes", "cookies", "gas", "brushes", "us")]
    ['berry', 'glass', 'box', 'cookie', 'gas', 'brush', 'us']
    """
    if len(word) <= 3:
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies", "kies", "vies")):
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("us", "ss")) else word
