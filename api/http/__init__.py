"""What every route shares: authentication, limits, problems, tracing, metrics."""
