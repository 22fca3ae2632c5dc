"""Strings to ids and back; what is done to SMILES and action lists."""
