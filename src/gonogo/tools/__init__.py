"""One file per program: how to recognise it, how to ask it for its report, what its exit codes mean, its traps."""
