"""Resolves entities: which pairs of items are one item, which surfaces are one value."""
