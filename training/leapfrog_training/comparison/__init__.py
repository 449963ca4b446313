"""The paper's table, made anew: sizes, scores and latencies of models side by side. Runs on the training machine only."""
