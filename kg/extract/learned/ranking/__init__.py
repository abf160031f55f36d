"""Ranking of candidate values: candidates, the ranker, and the ranker stacked on it."""
