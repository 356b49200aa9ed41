"""What run records say: curves, statistics and verdicts on the paper's claims."""
