"""The fault sweep: a fault at every point of a run and of a rollback, then the way on or the way back.

``.venv/bin/python -m tests.sweep`` finds the points itself (see :mod:`tests.sweep.points`), causes each kind of
fault at each of them, goes on with the run or takes it back, and compares with the run that had no fault.
"""
