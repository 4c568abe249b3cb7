"""Page: a row of pages."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class PageType(str, PyEnum):
    HOME = "home"
    ABOUT = "about"
    CONTACT = "contact"
    PRODUCT = "product"
    BLOG = "blog"
    LEGAL = "legal"
    OTHER = "other"


class Page(Base):
    __tablename__ = "pages"

    id = Column(String, primary_key=True)
    page_type = Column(Enum(PageType, name="page_type", values_callable=lambda e: [m.value for m in e]))
