"""Formats of a query's rows, one module each; `etl.export.row_formats` is what they keep to."""
