"""Recommendations and explanations over REST."""
