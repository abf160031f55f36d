"""`reckon cypher` and `reckon query`: the graph asked from the command line."""
