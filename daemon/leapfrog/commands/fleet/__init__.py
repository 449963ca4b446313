"""`leapfrog fleet`: the boxes of a district, on a page and for Prometheus."""
