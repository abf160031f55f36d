"""What is measured on the hold-out, beside which baselines, and the report that says it."""
