"""The check, before a model runs, that a picture looks like those that the model is for."""
