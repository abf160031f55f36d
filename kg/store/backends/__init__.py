"""The graph databases, one module each; `kg.store.port` is what they keep to."""
