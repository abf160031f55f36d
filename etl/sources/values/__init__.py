"""Cells as values: numbers, times, lists, titles."""
