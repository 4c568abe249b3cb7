"""Sessions of the database."""

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from src.config.settings import DATABASE

Session = sessionmaker(create_engine(f"postgresql:///{DATABASE}"))
