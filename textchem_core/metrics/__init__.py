"""Measures of answers against the truth: pure functions, without files, models or printing."""
