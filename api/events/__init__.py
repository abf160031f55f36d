"""Events over REST."""
