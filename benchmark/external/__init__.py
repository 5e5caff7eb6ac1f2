"""External validity: does the order of methods on synthetic worlds hold on real randomised experiments?

``tables`` reads experiments, ``mechanisms`` confounds them in known ways, ``boards`` fits methods to real and
to synthetic logs, ``agreement`` compares the two orders, and ``python -m benchmark.external`` does it all.
"""
