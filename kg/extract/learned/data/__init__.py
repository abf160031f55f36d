"""Training data of the learned extractor: gold files, distant supervision, review, scores."""
