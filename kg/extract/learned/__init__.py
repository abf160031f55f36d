"""Learned extraction: attribute values and tags read from text by models that are trained on gold files."""
