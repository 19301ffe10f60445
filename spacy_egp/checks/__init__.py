"""What is wrong with annotated docs, before and after a training. Data flow one way:
files -> docs -> counts, strings, contradictions -> a result."""
