"""Reads a page; written after the audit."""

ENGINES = ("requests", "playwright", "scrapy")


def engine(number):
    return ENGINES[number % 3]
