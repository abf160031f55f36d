"""Risk: how likely a payment is fraud, which accounts act together, and why. Needs no torch."""
