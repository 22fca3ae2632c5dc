"""Search for the best answer: greedy, sampled and beam, over a step function that hides the model."""
