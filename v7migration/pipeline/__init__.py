"""The workflow, one module per stage, in order: the only place that joins ledger, approvals and tracking.

Stages never import each other; evidence passes through the ledger.
"""

STAGES = ("inventory", "review", "rehearse", "sign", "execute", "verify", "rollback", "integrate")
