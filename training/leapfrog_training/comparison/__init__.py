"""The paper's table made anew: size, score and latency of models. Runs on the training machine only."""
