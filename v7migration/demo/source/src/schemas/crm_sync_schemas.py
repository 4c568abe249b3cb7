"""What the API takes and gives for crm_syncs."""

from pydantic import BaseModel

from src.models.WF8_V7_L1_2of2_CrmSyncModel import Hubspotsyncstatus


class CrmSyncRead(BaseModel):
    id: str
    hubspot: Hubspotsyncstatus
