"""The paper's table made anew: size, score and latency of models."""
