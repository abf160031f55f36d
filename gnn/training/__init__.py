"""Training: embeddings, item–item weights, tuning, and the choice of the season."""
