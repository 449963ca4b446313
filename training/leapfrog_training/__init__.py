"""Makes the models that Leapfrog runs; never needed on the box."""
