"""The API: how it answers, who calls it, and what it says of the gate, the runs and the events."""
