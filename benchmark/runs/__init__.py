"""Plans, their execution on an engine, and the store of what came back."""
