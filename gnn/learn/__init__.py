"""What training is made of: who tunes and what it reports, candidates, embeddings, item–item weights, text features, imbalance."""
