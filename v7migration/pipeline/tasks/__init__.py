"""The tasks of the Database Phase move by their evidence (document 2): what is there, what is missing, who left it.

Each action of the document, and its verification, is one piece of evidence. The first piece starts the task, the last
one completes it, in the name of the person who left it. Nobody ticks a task off by hand; what a rollback takes away
sets it back, and with it the phase that was completed.
"""

from v7migration.pipeline.tasks.post_execution import integration_missing
from v7migration.pipeline.tasks.progress import advance, as_document, catch_up, missing, on_record, on_write, proofs
from v7migration.pipeline.tasks.proof import Proof

__all__ = [
    "Proof",
    "advance",
    "as_document",
    "catch_up",
    "integration_missing",
    "missing",
    "on_record",
    "on_write",
    "proofs",
]
