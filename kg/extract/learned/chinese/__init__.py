"""The extractor of Chinese text, over characters."""
