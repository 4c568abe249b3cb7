"""Is the application alive?"""


def health():
    return {"alive": True}
