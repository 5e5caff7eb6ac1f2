"""Producers: small functions, each turning the evidence into tables of one kind."""
