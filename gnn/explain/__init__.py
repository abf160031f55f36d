"""The addends of a score, and how a person reads them."""
