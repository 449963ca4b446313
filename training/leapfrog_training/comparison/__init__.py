"""The paper's table, reproduced: size, score and latency of models."""
