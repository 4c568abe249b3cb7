"""Coverage of the impacts as a gate (document 2.1.3).

Every accepted change × affected layer has an approved assessment or a signed "no impact". Which layers are affected
comes from the newest code map, read from the ledger.
"""

from v7migration.pipeline.coverage.acting import (
    RESERVED,
    Assessed,
    amend_impact,
    approve,
    assessed_in,
    change_impact,
    file_impact,
    record_business_impact,
    refusal_of,
    sign_no_impact,
    statement_for,
)
from v7migration.pipeline.coverage.cells import (
    BREAKING,
    CHANGES,
    CODE_MAP,
    COVERED,
    LABELS,
    PAGE,
    Cell,
    Coverage,
    Place,
    Places,
    State,
    changes_of,
    document,
    layer_word,
    look,
    reasons,
    to_assess,
)
from v7migration.pipeline.coverage.drafting import Draft, accepted_names, draft, draft_of, suggested_risk
from v7migration.pipeline.coverage.evidence import CodeMap, Evidence, Line
from v7migration.pipeline.coverage.matrix import Count, Matrix, matrix
from v7migration.pipeline.coverage.speaking import Voice, unspoken, voices

__all__ = [
    "BREAKING",
    "CHANGES",
    "CODE_MAP",
    "COVERED",
    "LABELS",
    "PAGE",
    "RESERVED",
    "Assessed",
    "Cell",
    "CodeMap",
    "Count",
    "Coverage",
    "Draft",
    "Evidence",
    "Line",
    "Matrix",
    "Place",
    "Places",
    "State",
    "Voice",
    "accepted_names",
    "amend_impact",
    "approve",
    "assessed_in",
    "change_impact",
    "changes_of",
    "document",
    "draft",
    "draft_of",
    "file_impact",
    "layer_word",
    "look",
    "matrix",
    "reasons",
    "record_business_impact",
    "refusal_of",
    "sign_no_impact",
    "statement_for",
    "suggested_risk",
    "to_assess",
    "unspoken",
    "voices",
]
