"""One spaCy pipeline per language: tokens that suit catalogues, stop words, stems and sentences.

English and Chinese have word rules; every other language gets spaCy's blank pipeline and the rules for quantities, and `note` says so.
"""

from __future__ import annotations

import logging
import re
import warnings
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import spacy
from spacy.attrs import IDX, IS_PUNCT, IS_SPACE, LENGTH, LOWER, NORM
from spacy.language import Language
from spacy.matcher import Matcher, PhraseMatcher
from spacy.tokens import Doc
from spacy.util import compile_infix_regex
from spacy.vocab import Vocab

from kg.errors import ConfigError
from kg.extract.lexicon import Lexicon, lexicon
from kg.extract.quantities.amounts import Amount
from kg.extract.quantities.roles import own_amounts
from kg.plurals import singular

MATCHES = "matches"
"""Key of `doc.user_data`: every match of a language's rules. They are no spaCy spans, which cost more to make than to find."""
TEXT = "text"
"""Key of `doc.user_data`: the text; spaCy puts it together again from its words each time."""
AMOUNTS = "amounts"
"""Key of `doc.user_data`: the quantities behind the matches of rules that read one."""
MAX_CHARS = 20_000
"""Texts are read up to here: beyond it a text is a page, not a description."""

NUMBER, CODE = "#n", "#code"
_NUMBER = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+(?:[.,]\d+)?|\.\d+)")
# At least five characters of capitals and digits, both, and two digits: "Q6616A", "CLT-K407S", "WF-2750DWF", but not "MP3" or "DDR4".
_CODE = re.compile(r"(?=.{5,24}$)(?=(?:.*\d){2})(?=.*[A-Z])(?!\d+(?:[X/-]\d+)*[A-Z]{1,3}$)[A-Z0-9]+(?:[-/.#][A-Z0-9]+)*")
_NOT_CODE = re.compile(
    r"(?:USB|CAT|DDR|PC|RJ|MP|HDMI|PCI|IEEE|ISO|IEC|SPF|WPA|UHS|SATA|RS|R|H|LGA|AWG|DIN|CR|IP|A)[-.]?\d+(?:[-./]\d+)*[A-Z]?|\d+[A-Z]+\d+[A-Z]{0,2}"
)
# Catalogues write "15PK", "12/18&15PK", "1/2GAL", "10x15cm" and "CAN/15PK" without blanks; spaCy keeps such words whole.
_INFIXES = (
    r"(?<=[0-9])(?=[^\W\d_])",
    r"(?<=[0-9])(?=[\"”″'])",
    r"(?<=[0-9A-Za-z.])[/&:;](?=[0-9A-Za-z.])",
    r"(?<=[A-Za-z.]),(?=[0-9A-Za-z.])",
    r"(?<=[0-9]),(?=[A-Za-z])",
    r"(?<=[0-9])[xX×](?=[0-9.])",
    r"(?<=[0-9])-(?=[0-9A-Za-z])",
    r"(?<=[A-Za-z])[+](?=[A-Za-z0-9])",
    r"(?<=^[xX×])(?=[0-9.]+$)",
    r"(?<=[\"”″'])[xX×](?=[0-9])",
    r"(?<=[0-9a-z])\.(?=[A-Za-z])",
)


_PLACES = [NORM, IDX, LENGTH]
_NEEDED = frozenset({LOWER, NORM, IS_PUNCT, IS_SPACE})
"""What is asked of words; spaCy's other questions about each new one ("is it like a number?") take as long as cutting the texts."""

Amounts = dict[tuple[int, int], list[Amount]]
"""(first word, after the last) of a match → the quantities in it."""


class Match(NamedTuple):
    """Where a rule matches.

    Attributes:
        rule: Position in `lexicon.rules`.
        start: First word.
        end: After the last word.
        start_char: First character.
        end_char: After the last character.
    """

    rule: int
    start: int
    end: int
    start_char: int
    end_char: int


@dataclass(frozen=True)
class Pipeline:
    """A language's pipeline with its rules.

    Attributes:
        nlp: spaCy pipeline; it writes `doc.user_data[MATCHES]`.
        lexicon: The rules.
        note: What the language lacks, in a sentence; empty where nothing.
    """

    nlp: Language
    lexicon: Lexicon
    note: str


class AttributeRules:
    """Pipeline component that writes every match of a language's rules to `doc.user_data[MATCHES]`.

    It does what spaCy's span ruler does, many times as fast on titles: phrases go to one matcher, and texts without a word that every pattern of
    the other one asks for skip that.

    Args:
        vocab: The pipeline's vocabulary.
        make_doc: The pipeline's tokenizer.
        rules: The rules.
    """

    def __init__(self, vocab: Vocab, make_doc: Callable[[str], Doc], rules: Lexicon) -> None:
        self._tokens = Matcher(vocab, validate=True)
        self._phrases = PhraseMatcher(vocab, attr="LOWER")
        self._positions: dict[int, int] = {}
        self._rules = rules
        by_rule: dict[tuple[str, str], list[str | list[dict[str, Any]]]] = defaultdict(list)
        for pattern in rules.patterns:
            by_rule[pattern["label"], pattern["id"]].append(pattern["pattern"])
        anchors: list[frozenset[str]] = []
        for (label, rule_id), patterns in by_rule.items():
            key = f"{label}:{rule_id}"
            self._positions[vocab.strings.add(key)] = int(rule_id)
            phrases = [make_doc(pattern) for pattern in patterns if isinstance(pattern, str)]
            conditions = [pattern for pattern in patterns if not isinstance(pattern, str)]
            if phrases:
                self._phrases.add(key, phrases)
            if conditions:
                self._tokens.add(key, conditions)
                anchors += [_anchor(pattern) for pattern in conditions]
        self._always = not all(anchors)
        self._anchors = frozenset(vocab.strings.add(word) for words in anchors for word in words)

    def __call__(self, doc: Doc) -> Doc:
        """Match one text."""
        text = doc.user_data.setdefault(TEXT, doc.user_data.get(TEXT) or doc.text)
        matches = self._phrases(doc)
        norms, starts, lengths = doc.to_array(_PLACES).T.tolist()
        if self._always or (self._anchors and not self._anchors.isdisjoint(norms)):
            matches += self._tokens(doc)
        quantities = own_amounts(text)
        doc.user_data[MATCHES], doc.user_data[AMOUNTS] = [], {}
        if matches or quantities:
            ends = [start + length for start, length in zip(starts, lengths, strict=True)]
            doc.user_data[MATCHES] = [
                Match(self._positions[key], start, end, starts[start], ends[end - 1]) for key, start, end in dict.fromkeys(matches)
            ]
            doc.user_data[MATCHES] += self._measures(quantities, starts, ends, doc.user_data[AMOUNTS])
        return doc

    def _measures(self, quantities: list[Amount], starts: list[int], ends: list[int], kept: Amounts) -> Iterator[Match]:
        """Yield a match for each relation that a quantity states; the words it touches are whole, so the quantities themselves are kept beside."""
        for amount in quantities:
            first, last = bisect_right(starts, amount.start) - 1, bisect_left(starts, amount.end)
            for position in self._rules.senses.get((_sense(amount), amount.unit), ()):
                kept.setdefault((first, last), []).append(amount)
                yield Match(position, first, last, starts[first], ends[last - 1])


def _anchor(pattern: list[dict[str, Any]]) -> frozenset[str]:
    """Return norms of which every text that a pattern matches has one, rare ones where there are any; none where that cannot be said."""
    choices: list[frozenset[str]] = []
    for token in pattern:
        for name in ("NORM", "LOWER"):
            condition = token.get(name)
            words = [condition] if isinstance(condition, str) else condition.get("IN", ()) if isinstance(condition, dict) else ()
            # The norm of a word that is no number and no code is the word in lower case.
            choices += [frozenset(words)] if words else []
    return min(choices, key=lambda words: NUMBER in words, default=frozenset())


def _sense(amount: Amount) -> str:
    """A pack of things is what the things are, and so is a chain of sides."""
    return "amount" if amount.shape == "packs" else amount.shape


@Language.factory("attribute_rules")
def _attribute_rules(nlp: Language, name: str, language: str) -> AttributeRules:
    return AttributeRules(nlp.vocab, nlp.make_doc, lexicon(language))


@cache
def pipeline(language: str) -> Pipeline:
    """Return the pipeline of a language; it is made once per process.

    Args:
        language: ISO 639-1 code.

    Raises:
        ConfigError: spaCy knows no such language, or the Chinese segmenter is not installed.
    """
    rules = lexicon(language)
    nlp = _blank(language)
    nlp.max_length = MAX_CHARS
    vocab: Any = nlp.vocab
    vocab.lex_attr_getters = {name: getter for name, getter in vocab.lex_attr_getters.items() if name in _NEEDED} | {NORM: _norm}
    # Words that spaCy's exceptions brought along have their norm already.
    for lexeme in vocab:
        lexeme.norm_ = _norm(lexeme.text)
    nlp.add_pipe("attribute_rules", config={"language": language})
    note = "" if rules.has_words else f"no word rules for language {language!r}: attributes come from structured fields, prices and quantities only"
    return Pipeline(nlp, rules, note)


def documents(nlp: Language, texts: Iterable[str]) -> Iterator[Doc]:
    """Yield the texts through a pipeline, each with its text beside it.

    The components are called one by one: what `nlp.pipe` adds for errors and batches costs as much as a short title's words.
    """
    components = [component for _, component in nlp.pipeline]
    for text in texts:
        doc = nlp.make_doc(text)
        doc.user_data[TEXT] = text
        for component in components:
            doc = component(doc)
        yield doc


def _blank(language: str) -> Language:
    if language == "zh":
        return _chinese()
    try:
        nlp = spacy.blank(language)
    except ImportError:
        raise ConfigError(f"language {language!r} is unknown", hint="use an ISO 639-1 code such as en, zh, de, fr") from None
    infixes = compile_infix_regex([*(nlp.Defaults.infixes or ()), *_INFIXES]).finditer
    tokenizer: Any = nlp.tokenizer
    if hasattr(tokenizer, "infix_finditer"):
        tokenizer.infix_finditer = _outside_codes(infixes)
        # "1.7fl.oz" is no address.
        tokenizer.url_match = None
    return nlp


def _chinese() -> Language:
    try:
        with warnings.catch_warnings():
            # jieba 0.42.1 was written before Python 3.12's rules on escapes and setuptools' on pkg_resources.
            warnings.simplefilter("ignore")
            import jieba

            jieba.setLogLevel(logging.ERROR)
            nlp = spacy.blank("zh", config={"nlp": {"tokenizer": {"segmenter": "jieba"}}})
            jieba.initialize()
    except ImportError:
        raise ConfigError("the Chinese segmenter is not installed", hint="install reckon with its extra zh, or jieba==0.42.1") from None
    return nlp


def chinese_words(text: str) -> list[tuple[str, str]]:
    """Return the words of a Chinese text with the segmenter's part of speech ("nz" a name, "n" a noun, "x" unknown); together they are the text.

    Raises:
        ConfigError: The Chinese segmenter is not installed.
    """
    pipeline("zh")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from jieba import posseg

    return [(pair.word, pair.flag) for pair in posseg.cut(text)]


def _outside_codes(infixes: Callable[[str], Iterator[re.Match[str]]]) -> Callable[[str], list[re.Match[str]]]:
    """Split a number from its unit, but leave the numbers within article codes and names ("Q6616A", "B12", "GB-2X") alone."""

    def find(text: str) -> list[re.Match[str]]:
        if text.isalpha():
            return []
        # "120CT/81MG" looks like a code with its capitals; a word that starts with a digit is split unless letters and digits alternate.
        if is_code(text) and not text[0].isdigit():
            return []
        return [match for match in infixes(text) if match.end() > match.start() or _after_number(text, match.start())]

    return find


def _after_number(text: str, at: int) -> bool:
    before = text[:at].rstrip("0123456789.,")
    return before in {"x", "X", "×"} or not before or not before[-1].isalnum() or (before[-1] in "xX×" and before[-2:-1].isdigit())


def is_code(text: str) -> bool:
    """Say whether a word looks like a model or part number; "PK/12" is a unit before a number.

    >>> [is_code(word) for word in ("CLT-K407S", "MP3", "PK/12")]
    [True, False, False]
    """
    head, slash, _ = text.partition("/")
    return bool(_CODE.fullmatch(text)) and not _NOT_CODE.fullmatch(text) and (not slash or any(char.isdigit() for char in head))


def _norm(text: str) -> str:
    """Give tokens of one class one norm, so that patterns need no alternatives: "12" and "1,000" are "#n", "Q6616A" is "#code"."""
    if _NUMBER.fullmatch(text):
        return NUMBER
    return CODE if is_code(text) else text.lower()


def tokens(text: str, language: str = "en") -> list[str]:
    """Return the words of a text in lower case, without punctuation.

    >>> tokens("SOFT DRINKS 12/18&15PK")
    ['soft', 'drinks', '12', '18', '15', 'pk']
    """
    return [
        token.lower_ for token in pipeline(language).nlp.make_doc(text[:MAX_CHARS]) if not token.is_punct and not token.is_space and token.text != "&"
    ]


def content_words(text: str, language: str = "en") -> list[str]:
    """Return the stems of a text's words that are neither stop words nor punctuation.

    >>> content_words("The candies of the foxes")
    ['candy', 'fox']
    """
    stops = pipeline(language).nlp.Defaults.stop_words
    reduce = singular if language == "en" else str
    return [reduce(word) for word in tokens(text, language) if word not in stops]


def sentences(text: str, language: str = "en") -> list[tuple[int, int]]:
    """Return the (start, end) offsets of a text's sentences.

    >>> [text[start:end] for text in ["Soft. Warm!"] for start, end in sentences(text)]
    ['Soft.', 'Warm!']
    """
    doc = _splitter(language)(text[:MAX_CHARS])
    return [(sentence.start_char, sentence.end_char) for sentence in doc.sents]


@cache
def _splitter(language: str) -> Language:
    nlp = _blank(language)
    nlp.max_length = MAX_CHARS
    nlp.add_pipe("sentencizer")
    return nlp
