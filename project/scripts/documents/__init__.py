"""Scores, time and memory by the length of docs."""
