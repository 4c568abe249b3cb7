"""One spelling for every address."""


def normalise(url):
    return url.strip().lower().rstrip("/")
