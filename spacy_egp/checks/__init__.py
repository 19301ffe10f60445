"""What is wrong with annotated docs, before and after training. Data flows one way:
files -> docs -> counts, strings, contradictions -> a result."""
