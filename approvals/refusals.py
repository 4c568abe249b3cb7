"""The refusal of a signature, with the gate's named reason and what to do next."""

from __future__ import annotations

from approvals.gates import Reason
from v7migration.errors import SignatureRefused

NEXT_STEPS = {
    "wrong-password": "Enter your own password again; after too many attempts wait until the lock-out ends.",
    "wrong-persona": "Ask a holder of the persona to sign.",
    "second-persona": "Ask another holder of the persona to sign.",
    "persona-taken": "The person who speaks for the persona signs all its seats here.",
    "author": "Ask another holder of the persona to sign.",
    "account-changed": "Freeze again; the new changeset may be signed.",
    "already-signed": "Reload the page. To change a decision, revoke it first.",
    "already-revoked": "Reload the page.",
    "out-of-order": "Wait until the earlier seats are signed.",
    "prerequisite": "Complete what is named, then sign.",
    "stale": "Freeze again and sign the new changeset.",
    "stale-page": "Reload the page, read it again, then sign.",
    "expired": "Freeze again and sign the new changeset.",
    "reason-missing": "Enter the reason.",
    "breaking": "File an assessment instead; The Architect approves it.",
    "not-yours": "Ask the signer or The Architect.",
}


class SigningRefused(SignatureRefused):
    """Nothing was signed or revoked; ``reason`` says why, with a stable code."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason.sentence, NEXT_STEPS.get(reason.code, "Reload the page and look at the gate again."))

    @property
    def code(self) -> str:
        """Return the stable code of the reason."""
        return self.reason.code
