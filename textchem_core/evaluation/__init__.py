"""Rows in, tables out: predictions of a model, or of anyone, scored."""
