"""Django settings. Everything that differs between machines comes from the environment (README lists the names)."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from v7migration.connections import PROJECT_DIR, databases, state_dir
from v7migration.errors import Refused, UsageError

BASE_DIR = PROJECT_DIR
STATE_DIR = state_dir()


def _directory(path: Path) -> Path:
    """Return a private directory, made when it is missing."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(error) from error
    return path


def _unusable(error: OSError) -> Refused:
    message = f"The state directory {STATE_DIR} cannot be used: {error.filename}: {error.strerror}."
    return Refused(message, "Name another one in V7_STATE_DIR.")


def _days(value: str) -> int:
    """Return a number of days, from 1 to 3650."""
    if not (value.isascii() and value.isdigit() and len(value) <= 4 and 1 <= int(value) <= 3_650):
        raise UsageError(f"V7_CHANGESET_DAYS is {value!r}.", "Set it to a number of days from 1 to 3650.")
    return int(value)


def _secret_key() -> str:
    """Return ``V7_SECRET_KEY``, or a key that is made once and kept in the state directory with mode 0600."""
    if key := os.environ.get("V7_SECRET_KEY", ""):
        return key
    path = STATE_DIR / "secret_key"
    _directory(STATE_DIR)
    try:
        if path.exists():
            return path.read_text().strip()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    except OSError as error:
        raise _unusable(error) from error
    key = secrets.token_urlsafe(64)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(key)
    return key


SECRET_KEY = _secret_key()
DEBUG = False
HTTPS = os.environ.get("V7_HTTPS", "") == "1"
ALLOWED_HOSTS = [h for h in os.environ.get("V7_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",") if h]
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("V7_TRUSTED_ORIGINS", "").split(",") if o]

INSTALLED_APPS = [
    "v7migration",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "simple_history",
    "django_fsm",
    "django_tables2",
    "django_filters",
    "crispy_forms",
    "axes",
    "ninja",
    "v7migration.ledger",
    "approvals",
    "tracking",
]

MIDDLEWARE = [
    "v7migration.api.middleware.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "approvals.middleware.ActingUserMiddleware",
    "tracking.middleware.HomeMiddleware",
    "v7migration.middleware.ErrorPageMiddleware",
    "v7migration.middleware.ContentSecurityPolicyMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "v7migration.urls"
WSGI_APPLICATION = "v7migration.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "v7migration.context.page_context",
            ],
        },
    }
]

DATABASES = databases(sys.argv[1] if len(sys.argv) > 1 else "")
DATABASE_ROUTERS = ["v7migration.routers.HomeRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "lockout.html"

SESSION_COOKIE_AGE = 15 * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = ["v7migration.formats"]

STATIC_URL = "static/"
STATIC_ROOT = _directory(STATE_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

CRISPY_TEMPLATE_PACK = "unfold_crispy"
CRISPY_ALLOWED_TEMPLATE_PACKS = ["unfold_crispy"]
DJANGO_TABLES2_TEMPLATE = "tables/table.html"

EMAIL_BACKEND = os.environ.get("V7_EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = STATE_DIR / "mail"
DEFAULT_FROM_EMAIL = os.environ.get("V7_FROM_EMAIL", "v7-migration@localhost")

# The reviewed script and the source tree that v7_inventory scans.
V7_SCRIPT = Path(os.environ.get("V7_SCRIPT", "") or BASE_DIR / "v7migration" / "sql" / "V7_Migration_Tables.sql")
V7_SOURCE_DIR = Path(os.environ.get("V7_SOURCE_DIR", "") or BASE_DIR / "v7migration" / "demo" / "source")
# Where DART is, and its dartboard; the token is read from the environment when it is used, and kept nowhere.
V7_DART_URL = os.environ.get("V7_DART_URL", "")
V7_DART_DARTBOARD = os.environ.get("V7_DART_DARTBOARD", "")
V7_CHANGESET_DAYS = _days(os.environ.get("V7_CHANGESET_DAYS", "") or "14")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_token": {"()": "v7migration.pipeline.integrate.dart.secret.RedactingFilter"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "filters": ["no_token"]},
        "runs": {
            "filters": ["no_token"],
            "class": "v7migration.logs.RunLog",
            "path": os.environ.get("V7_LOG", "") or str(STATE_DIR / "log" / "runs.jsonl"),
        },
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "axes": {"level": "ERROR"},
        "v7migration.run": {"handlers": ["runs"], "level": "INFO", "propagate": False},
    },
}

from v7migration.look import UNFOLD  # noqa: E402, F401
