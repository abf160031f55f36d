"""What training is made of: candidates, embeddings, item–item weights, text features, imbalance."""
