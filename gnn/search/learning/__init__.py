"""Judgements of search results: what they teach, and how well a shop's search does by them."""
