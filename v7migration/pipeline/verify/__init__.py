"""Verify: is everything there, of the right shape, working, fast and to be taken back (document 2.3.1, 4.2 to 4.4)?

``verifying`` the two ways to look: :func:`verify` by anybody, :func:`validate` by a Test Sentinel for the sign-off;
``strict`` the product's own checks and the anomalies; ``shapes`` every object against the rehearsal; ``trials`` rows
tried as the web role; ``way_back`` Section 9 on a copy of the target as it is now; ``recording`` the rows of
v7_test_results.
"""

from v7migration.pipeline.verify.verifying import Verification, validate, verify

__all__ = ["Verification", "validate", "verify"]
