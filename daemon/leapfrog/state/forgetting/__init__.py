"""An exam that may not be kept is forgotten on request, and never taken up again. What a box forgets by itself, because
it is old and nothing is owed of it: `upkeep/`.
"""
