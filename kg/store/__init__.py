"""Everything that is said to the graph database. The only place that imports a driver of one."""

from kg.store.graph import GraphStore
from kg.store.port import BACKENDS, Backend, GraphDatabase, LoadCounts, Place, backend_of
from kg.store.query import Bounds, Cancellation, QueryResult
from kg.store.values import RowSink

__all__ = [
    "BACKENDS",
    "Backend",
    "Bounds",
    "Cancellation",
    "GraphDatabase",
    "GraphStore",
    "LoadCounts",
    "Place",
    "QueryResult",
    "RowSink",
    "backend_of",
]
