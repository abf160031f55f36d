"""Declared attributes and profiles over REST."""
