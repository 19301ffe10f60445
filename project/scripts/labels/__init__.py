"""Labels that are added to a trained pipeline, and a threshold for each."""
