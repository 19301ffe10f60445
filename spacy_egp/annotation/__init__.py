"""Annotating a corpus of any size with a trained pipeline.

The input is cut into parts, which depend on nothing but the input. A part is read,
annotated and written by one worker, whichever it is; an engine only hands the missing
parts to workers. So the output does not depend on the engine or on the workers, and a
run that was interrupted goes on with the parts that are missing.

The pipeline may be any one that writes `doc.spans`. Nothing here knows the model of
`egp_ner`, only two of its settings.
"""
