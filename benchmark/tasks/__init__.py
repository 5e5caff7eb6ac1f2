"""From a scenario to a task: worlds, user data and backbones, prepared for methods."""
