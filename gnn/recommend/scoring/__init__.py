"""What strategies score with: the sum over paths, what is bought together, and what shoppers at large chose."""
