"""How good a run is, and what else than the lungs its networks might look at."""
