"""Language models of the ``transformers`` library as policies and backbones."""
