"""Annotating a corpus of any size with a trained pipeline.

The input is cut into parts, which depend on nothing but the input. Any worker can read,
annotate and write a part; an engine only hands the missing parts to workers. The output
therefore does not depend on the engine or the workers, and an interrupted run continues
with the missing parts.

Any pipeline that writes `doc.spans` will do. Nothing here knows the model of `egp_ner`,
only two of its settings.
"""
