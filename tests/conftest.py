"""What all tests share."""

import os

import torch

# Models this small run faster on one thread, and far faster where other work shares the cores; set for the
# processes that tests start, too.
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)
