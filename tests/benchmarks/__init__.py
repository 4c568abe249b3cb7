"""Benchmarks: the product and its peer in one run, in turns. They print a table with ratios and are no timed tests.

Run them with ``.venv/bin/python -m tests.benchmarks [NAME…] [--rows N] [--repeat N]``. Only ratios within one run
count: the machine may be busy, and two machines differ. Tables and plots as last measured are in ``results/``.
"""
