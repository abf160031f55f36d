"""placeholder"""
import polars as pl
def infer(*a):  # written next
    raise NotImplementedError
