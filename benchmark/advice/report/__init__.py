"""One page: plots that a reader without statistics follows, and a section that a statistician can check."""
