"""Models, losses and the optimisation of many of them at once."""
