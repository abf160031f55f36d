"""Gold lines made by rule: what a model must be able to learn, so that a wrong answer is the model's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

BRANDS = ["Acme", "Bolt & Nut", "Corvid", "Dunelm", "Esker", "Fjord"]
COLORS = ["red", "navy blue", "green", "black", "off white"]
NOUNS = ["lamp", "desk", "chair", "shelf"]


def attribute_lines(n: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Return titles "BRAND COLOR NOUN NUMBER cm" with their brand, colour and width; a third states no colour."""
    rng = np.random.default_rng(seed)
    lines: list[dict[str, Any]] = []
    for number in range(n):
        brand, color, noun, width = str(rng.choice(BRANDS)), str(rng.choice(COLORS)), str(rng.choice(NOUNS)), f"{rng.integers(10, 99)} cm"
        told = number % 3 > 0
        scores = {"Brand": {brand: 1}, "Color": {color if told else "n/a": 1}, "Width": {width: 1}}
        text = f"{brand} {color + ' ' if told else ''}{noun} {width} No. {number}"
        lines.append({"input": text, "category": noun, "target_scores": scores})
    return lines


def tag_lines(n: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Return Chinese titles of brand and product with their tags."""
    rng = np.random.default_rng(seed)
    brands, products, rest = ["飞利浦", "小米", "三只松鼠"], ["理发器", "水杯", "花草茶"], ["包邮", "正品", "新款"]
    lines: list[dict[str, Any]] = []
    for _ in range(n):
        brand, product, before, after = str(rng.choice(brands)), str(rng.choice(products)), str(rng.choice(rest)), str(rng.choice(rest))
        tags = ["O"] * len(before) + _spelled(brand, "HP") + _spelled(product, "HC") + ["O"] * len(after)
        lines.append({"chars": before + brand + product + after, "tags": tags})
    return lines


def _spelled(word: str, name: str) -> list[str]:
    return [f"B-{name}", *[f"I-{name}"] * (len(word) - 2), f"E-{name}"]


def write_lines(path: Path, lines: list[dict[str, Any]]) -> Path:
    """Write one JSON object a line."""
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read one JSON object a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
