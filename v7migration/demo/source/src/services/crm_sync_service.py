"""Finds and changes crm_syncs."""

from src.models.WF8_V7_L1_2of2_CrmSyncModel import CrmSync


def find(session, wanted):
    """Rows of crm_syncs whose hubspot is wanted."""
    return session.query(CrmSync).filter(CrmSync.hubspot == wanted).all()
