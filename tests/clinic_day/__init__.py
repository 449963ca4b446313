"""A clinic's day over a slow link: how soon its results are at the district."""
