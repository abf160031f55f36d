"""Metrics of ranked lists, one module each (`gnn.metrics.base` says what one is), and statistics of their means.

Source: Järvelin and Kekäläinen 2002, doi:10.1145/582415.582418 (ndcg); Manning, Raghavan and Schütze 2008, chapter 8 (recall, precision, f1, map).
"""

from gnn.metrics.base import METRICS, IntArray, ListsMetric, Metric, RankedLists, UserMetric, all_per_user, beyond_accuracy, hits_of
from gnn.metrics.statistics import bootstrap_interval, means, paired_p_value

__all__ = [
    "METRICS",
    "IntArray",
    "ListsMetric",
    "Metric",
    "RankedLists",
    "UserMetric",
    "all_per_user",
    "beyond_accuracy",
    "bootstrap_interval",
    "hits_of",
    "means",
    "paired_p_value",
]
