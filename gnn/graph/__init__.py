"""The graph as arrays: adjacency, hubs, walks."""
