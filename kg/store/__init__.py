"""Everything that is said to the graph database, over Bolt. The only place that imports its driver."""

from kg.store.graph import GraphStore, SweepCounts, UpsertCounts
from kg.store.query import QueryResult

__all__ = ["GraphStore", "QueryResult", "SweepCounts", "UpsertCounts"]
