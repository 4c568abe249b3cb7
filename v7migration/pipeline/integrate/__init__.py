"""Fit the application to the migrated target (document 2.3.2), one module per integration.

``generating`` writes the application's SQLAlchemy and Pydantic modules from the models.
"""

from v7migration.pipeline.integrate.generating import generate_pydantic, generate_sqlalchemy

__all__ = ["generate_pydantic", "generate_sqlalchemy"]
