"""The path-sum model: in PyTorch Geometric for training, in NumPy for serving."""
