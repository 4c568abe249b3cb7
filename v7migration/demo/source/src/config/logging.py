"""How log lines look."""

FORMAT = "%(asctime)s %(levelname)s %(message)s"
