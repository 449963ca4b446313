"""How the box goes over to a bundle of the district, tries it, and comes back from it by itself."""
