"""The learned extractor: conditional random fields propose values, a re-ranker decides, and every answer carries its span."""
