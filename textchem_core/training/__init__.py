"""Loss, optimizer, step, checkpoint: the parts `train.py` puts together."""
