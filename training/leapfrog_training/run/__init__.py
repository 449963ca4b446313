"""The folder of one training run, from `fit` to `package`: its files, and how they were made."""
