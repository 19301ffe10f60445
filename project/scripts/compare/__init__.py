"""Heads over the same encoder, with the same budget, and settings of `egp_ner`."""
