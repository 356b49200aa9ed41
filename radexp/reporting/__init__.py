"""From run records to curves, tables, verdicts and one page. Imports no torch."""
