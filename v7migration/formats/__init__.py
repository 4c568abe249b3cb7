"""How dates and times are written: one way, sortable, with the zone."""
