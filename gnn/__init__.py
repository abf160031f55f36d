"""Learning over the graph: data, model, training, evaluation, exact explanations and the published artifact."""
