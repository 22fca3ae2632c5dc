"""T5 in plain PyTorch, and its way to and from Hugging Face folders."""
