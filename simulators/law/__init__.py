"""The parts a world is composed of, and exact expectations over them."""
