"""A page that shows how good a trained `egp_ner` is, where it fails and why.

Data flows one way: docs -> evaluation (one pass of the pipeline, part by part) ->
tables of spans -> statistics, doc_lengths, examples, heatmap -> results, which add them
up -> plots -> page; training_log joins on the way.
"""
