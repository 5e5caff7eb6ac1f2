"""The verbs of the command line, one file a topic; heavy imports happen inside the verbs."""
