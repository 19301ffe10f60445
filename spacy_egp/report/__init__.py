"""A page that shows how good a trained `egp_ner` is, where it fails and why.

Data flows one way: docs -> evaluation (one pass of the pipeline) -> table of spans ->
statistics, examples, heatmap -> plots -> page; training_log joins on the way.
"""
