"""Integration: what the application needs to use the V7 tables (document 2.3.2)."""
