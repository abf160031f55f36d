"""Metrics with one value per user, of which reports have the mean: one module each."""
