"""A badge for each status."""

COLOURS = {"New": "blue", "Queued": "grey", "Complete": "green", "Error": "red"}


def badge(status):
    return COLOURS.get(status, "black")
