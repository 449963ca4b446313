"""Bundles: settings and models that a district signs and its boxes take, try, and keep or leave."""
