"""The tiny decoder: a small transformer trained from scratch on a domain, and what surrounds it."""
