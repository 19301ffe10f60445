"""Configs of trainings: from a template, and from what a corpus asks for."""
