"""Search: an inverted index over the catalogue, what a query means, and scores that are sums."""
