"""The application."""

from fastapi import FastAPI

from src.routers.sitemap_import_api import router as imports

app = FastAPI()
app.include_router(imports)
