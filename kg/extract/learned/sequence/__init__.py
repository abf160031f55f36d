"""Sequence models over words: chains, features, labels, lookup, tagger."""
