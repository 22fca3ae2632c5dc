"""Rows of the five tasks, from files to batches."""
