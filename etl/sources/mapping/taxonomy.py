"""Google's product taxonomy: the number of a category → its path of names.

Source: Google Merchant Center Help, "google_product_category", file taxonomy-with-ids.txt: "166 - Apparel & Accessories > Clothing".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from etl.sources import registry
from kg.errors import InputError

_LINE = re.compile(r"(\d{1,7})\s+-\s+(\S.*)")


def read_taxonomy(root: Path, path: str) -> Mapping[str, str]:
    """Read a file of the taxonomy with numbers.

    Raises:
        InputError: It is missing, or a line is not "NUMBER - A > B".
    """
    result = registry.resolve(root, path)
    categories: dict[str, str] = {}
    try:
        lines = result.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"taxonomy {path} cannot be read: {error}", hint="save it as UTF-8") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        entry = _LINE.fullmatch(line.strip())
        if not entry:
            raise InputError(f"taxonomy {path}, line {number}: {line[:60]!r} is not NUMBER - PATH", hint="use Google's taxonomy-with-ids.txt")
        categories[entry[1]] = " > ".join(part.strip() for part in entry[2].split(">"))
    if not categories:
        raise InputError(f"taxonomy {path} holds no category", hint="use Google's taxonomy-with-ids.txt")
    return categories
