"""How well a package does on labelled pictures: the measures, with their uncertainty, and the page that shows them.

`leapfrog evaluate` uses all of it for a hospital's own images, `leapfrog-train evaluate` the measures.
"""
