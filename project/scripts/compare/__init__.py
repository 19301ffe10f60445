"""Heads compared over one encoder with the same budget, and settings of `egp_ner`."""
