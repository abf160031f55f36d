"""Strategies: where the scores of a list come from."""
