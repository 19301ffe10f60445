"""Labels that are added to a trained pipeline, and thresholds by label."""
