"""Risk over REST: what was found, and what persons decide."""
