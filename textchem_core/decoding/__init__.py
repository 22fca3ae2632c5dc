"""Search for the best answer: greedy and beam, over a step function that hides the model."""
