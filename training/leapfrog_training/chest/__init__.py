"""The package chest-findings; also the model that phantoms are drawn from.

How it is trained is in `task.py`, `recipe.py` and the files beside them. From top to bottom:

| folder | what is in it |
| --- | --- |
| `presentation` | what people see of a run: card, figures, films read correctly and wrongly |
| `evaluation` | how good a run is, and what else than the lungs its networks might look at |
| `decisions` | what films that no network saw decide: their views, the findings that ship, the thresholds |
"""
