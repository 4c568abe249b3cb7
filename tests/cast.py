"""The people of the tests: every test starts from who may do what."""

from __future__ import annotations

PASSWORD = "Correct-Horse-41"
CAST: dict[str, tuple[str, ...]] = {
    "ada": ("The Architect",),
    "lena": ("DB Team Lead",),
    "sam": ("Test Sentinel",),
    "dev": ("Dev Team",),
    "dana": ("Data Sentinel",),
    "wilma": ("WF4 Persona",),
    "carl": ("Conductor",),
    "otto": (),
}
SUPERUSER = "root"
