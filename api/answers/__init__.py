"""Questions about items, answered with citations."""
