"""Metrics with one value of all lists together, whatever they hit: one module each."""
