"""Searches whose candidates are fitted together."""
