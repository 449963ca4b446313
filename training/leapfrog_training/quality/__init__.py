"""The check in front of a model that a picture looks like what the model is for."""
