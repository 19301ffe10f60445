"""Annotated corpora in the formats of other tools, read as spaCy docs.

Data flows one way: files -> reader (formats: one file each) -> records -> docs ->
writer. Module split chooses the output, and summary counts.
"""
