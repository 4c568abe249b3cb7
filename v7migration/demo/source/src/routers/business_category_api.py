"""Routes below /businesscategory."""

from fastapi import APIRouter

from src.schemas.business_category_schema import BusinessCategoryRead
from src.services.business_category_service import find

router = APIRouter(prefix="/businesscategory")


@router.get("/", response_model=list[BusinessCategoryRead])
def listing(wanted: str):
    return find(None, wanted)
