"""Strategies: where the scores of a list come from. One file per strategy, which registers one object with `registry`."""
