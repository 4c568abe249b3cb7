"""The subcommands of ``v7_integrate``, one module per integration.

Each module offers :class:`Subcommand` objects; to add one, write it and name it in :data:`SUBCOMMANDS`.
"""

from v7migration.management.integrations.api import API
from v7migration.management.integrations.dart import DART
from v7migration.management.integrations.modules import PYDANTIC, SQLALCHEMY
from v7migration.management.integrations.reports import JUNIT
from v7migration.management.integrations.subcommand import Subcommand

SUBCOMMANDS: tuple[Subcommand, ...] = (SQLALCHEMY, PYDANTIC, API, JUNIT, DART)

__all__ = ["SUBCOMMANDS", "Subcommand"]
