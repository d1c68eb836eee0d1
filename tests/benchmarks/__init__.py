"""Benchmarks: scripts that print the tables in which this package claims its speed.

Not tests: pytest collects nothing here. Run them from the root of the repository.
"""
