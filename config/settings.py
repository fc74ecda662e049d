"""The settings of an installation: one file, driven by the environment.

Every variable is described in docs/settings.md. A secret may come from a file: NAME_FILE holds its path.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from apps.installation import embedded_servers

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    """The environment variable ``name``, or the text of the file that ``name``_FILE points to."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    return os.environ.get(name, default)


# -- What kind of installation -----------------------------------------------------------------------------

# A relative path is meant from where the command was typed; servers and parts that it starts stand elsewhere.
CARELANE_HOME = Path(env("CARELANE_HOME", str(BASE_DIR / ".home"))).absolute()
CARELANE_KEYS = Path(env("CARELANE_KEYS", str(BASE_DIR / ".keys"))).absolute()
CARELANE_CHECKPOINTS = Path(env("CARELANE_CHECKPOINTS", str(CARELANE_KEYS / "checkpoints"))).absolute()
HAS_DATABASE = bool(os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"))
# The demo shows its sign-ins to everybody: a database of one's own never opens it by default, however it was named.
CARELANE_MODE = env("CARELANE_MODE") or ("production" if HAS_DATABASE else "demo")
if CARELANE_MODE not in {"demo", "production"}:
    raise ImproperlyConfigured("CARELANE_MODE must be demo or production.")
PRODUCTION = CARELANE_MODE == "production"
DEMO = CARELANE_MODE == "demo"
DEBUG = False


def running_demo(what: str) -> str:
    """Where a running demo has its "mail-port" (it may have had to give way) and its "address"; "" when none runs."""
    try:
        return (CARELANE_HOME / f"demo-{what}").read_text() if DEMO else ""
    except OSError:
        return ""


EMBEDDED = None
if not HAS_DATABASE:
    EMBEDDED = embedded_servers.places(CARELANE_HOME, CARELANE_KEYS)


def secret_key() -> str:
    """Django's signing key: the environment's, else the key folder's; a laptop makes one on first use."""
    if given := env("SECRET_KEY"):
        return given
    path = CARELANE_KEYS / "secret.key"
    if not path.exists():
        if sys.argv[1:2] in (["restore"], ["create_keys"], ["collectstatic"]):
            # These come before there are keys, and sign nothing. restore brings the installation's own, and refuses to
            # mix them with others; create_keys makes them.
            return secrets.token_urlsafe(64)
        if PRODUCTION:
            raise ImproperlyConfigured(f"{path} is missing. Run 'manage.py create_keys' or set SECRET_KEY.")
        from apps.core import keyfiles

        keyfiles.create_missing(CARELANE_KEYS)
    return path.read_text().strip()


if PRODUCTION and (CARELANE_KEYS == CARELANE_HOME or CARELANE_HOME in CARELANE_KEYS.parents):
    raise ImproperlyConfigured("CARELANE_KEYS must not lie inside CARELANE_HOME: keys and data are kept apart.")
SECRET_KEY = secret_key()

# The version is the first heading of the changelog.
VERSION = re.search(r"^## (\S+)", (BASE_DIR / "CHANGELOG.md").read_text(), re.MULTILINE).group(1)  # type: ignore[union-attr]

# -- Addresses ---------------------------------------------------------------------------------------------

# A command typed beside a running demo makes links that lead to it.
PUBLIC_URL = (env("CARELANE_URL") or f"http://{running_demo('address') or '127.0.0.1:8000'}").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE = PUBLIC_URL.startswith("https://")
if PRODUCTION and not SECURE:
    raise ImproperlyConfigured("CARELANE_URL must begin with https:// in production.")
PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or ""
LOOPBACK = "127.0.0.1,localhost,[::1]"
ALLOWED_HOSTS = [
    name.strip() for name in env("ALLOWED_HOSTS", PUBLIC_HOST if PRODUCTION else LOOPBACK).split(",") if name.strip()
]
if PRODUCTION and any(name.startswith(("*", ".")) for name in ALLOWED_HOSTS):
    raise ImproperlyConfigured("ALLOWED_HOSTS must name each host in production: no * and no leading dot.")
if PRODUCTION and PUBLIC_HOST not in ALLOWED_HOSTS:
    raise ImproperlyConfigured(f"ALLOWED_HOSTS must contain {PUBLIC_HOST}, the host of CARELANE_URL.")
# How many reverse proxies of ours stand before the web process: so many entries of X-Forwarded-For are true.
PROXIES = int(env("CARELANE_PROXIES", "1" if PRODUCTION else "0"))

# -- Parts -------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "django_otp",
    "auditlog",
]
# Lowest layer first; import-linter holds the order.
APPS = [
    *("core", "ui", "mail", "audit", "vault", "users"),
    *("organizations", "jobs", "approvals", "references"),
    *("contacts", "imports", "inbox", "compliance", "installation", "tracking"),
    *("segments", "content", "delivery", "portal", "campaigns", "journeys", "dashboard"),
    *(["demo"] if DEMO else []),
]
INSTALLED_APPS += [f"apps.{name}" for name in APPS if (BASE_DIR / "apps" / name / "apps.py").exists()]

MIDDLEWARE = [
    "apps.core.http.middleware.ProxyMiddleware",
    "apps.core.http.middleware.BodilessMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "apps.ui.toasts.ToastMiddleware",
    "apps.organizations.middleware.ClinicZoneMiddleware",
    "apps.core.http.middleware.ActorMiddleware",
    "apps.core.http.middleware.StrangersBodyMiddleware",
    "apps.core.http.middleware.PrivateResponseMiddleware",
    "apps.core.http.middleware.BareErrorMiddleware",
    "apps.users.middleware.SessionTimeoutMiddleware",
    "apps.users.middleware.SecondFactorGate",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.ui.context_processors.shell",
                "apps.organizations.context_processors.clinic",
                "apps.inbox.context_processors.menu_counts",
            ],
        },
    }
]

# -- Database: four roles ----------------------------------------------------------------------------------

DATABASE_ROLE_VARIABLES = {
    "default": "DATABASE_URL",
    "owner": "DATABASE_OWNER_URL",
    "audit": "DATABASE_AUDIT_URL",
    "reader": "DATABASE_READER_URL",
}


def databases() -> dict[str, dict[str, Any]]:
    """One connection for each role: application, owner (migrations), audit writer, reader (backup, export)."""
    found: dict[str, dict[str, Any]] = {}
    for alias, variable in DATABASE_ROLE_VARIABLES.items():
        if EMBEDDED:
            found[alias] = embedded_servers.database_settings(EMBEDDED, "app" if alias == "default" else alias)
        else:
            address = env(variable)
            if not address:
                raise ImproperlyConfigured(f"{variable} is missing: each of the four database roles needs one.")
            found[alias] = dict(dj_database_url.parse(address))
        found[alias]["CONN_HEALTH_CHECKS"] = True
        found[alias]["CONN_MAX_AGE"] = 60 if alias == "default" else 0
        # One schema, four ways in: tests create and migrate one database.
        found[alias]["TEST"] = {"MIRROR": "default"} if alias != "default" else {}
    return found


DATABASES = databases()
AUDIT_WRITER = "audit"  # alias of the audit writer's connection
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if PRODUCTION:
    for alias, chosen in DATABASES.items():
        local = str(chosen.get("HOST", "")).startswith("/")
        if not local and chosen.get("OPTIONS", {}).get("sslmode") not in {"verify-full", "verify-ca"}:
            raise ImproperlyConfigured(
                f"{DATABASE_ROLE_VARIABLES[alias]} must say sslmode=verify-full: unencrypted connections "
                "between the product's own parts are refused in production."
            )

# -- Redis and Celery --------------------------------------------------------------------------------------

REDIS_URL = env("REDIS_URL") or (embedded_servers.redis_url(EMBEDDED) if EMBEDDED else "")
if not REDIS_URL:
    raise ImproperlyConfigured("REDIS_URL is missing.")
if PRODUCTION and not REDIS_URL.startswith(("rediss://", "unix://")):
    raise ImproperlyConfigured("REDIS_URL must begin with rediss:// or unix:// in production.")

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"serializer": "apps.core.plaincache.JsonSerializer"},
        # What another serializer wrote before an upgrade is not looked at.
        "VERSION": 2,
    }
}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 30 * 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# -- Sign-in and sessions ----------------------------------------------------------------------------------

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["apps.users.backends.LockingBackend"]
# Memory-hard first; older hashes are renewed at the next sign-in.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "users:sign_in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "users:sign_in"
# The address a person types is looked up by its keyed token; no table holds it in plain.
ACCOUNT_USER_MODEL_USERNAME_FIELD = "login"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "apps.users.adapter.StaffAccountAdapter"
ACCOUNT_FORMS = {"login": "apps.users.forms.SignInForm"}
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": False}  # five wrong tries lock: users.backends
SESSION_ENGINE = "apps.users.sessions"
SESSION_IDLE = timedelta(minutes=15)  # NIST SP 800-63B-4, AAL2 and stricter
SESSION_ABSOLUTE = timedelta(hours=12)
SESSION_COOKIE_AGE = int(SESSION_ABSOLUTE.total_seconds())
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "apps.ui.error_pages.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
OTP_TOTP_ISSUER = "Carelane"
SIGN_IN_TRIES = 5
SIGN_IN_LOCK = timedelta(minutes=15)

# -- Browser security --------------------------------------------------------------------------------------

SECURE_HSTS_SECONDS = 2 * 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_SSL_REDIRECT = SECURE and env("CARELANE_TLS_REDIRECT", "1") == "1"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE and PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "object-src": [NONE],
        "frame-ancestors": [SELF],
    }
}

# -- Inbound mail: bounces, complaints, replies --------------------------------------------------------------

# Where the receiver listens: "host:port" or the path of a Unix socket; empty means not at all.
INBOUND_LMTP = env("CARELANE_LMTP_ADDRESS", "127.0.0.1:8024")
INBOUND_SMTP = env("CARELANE_INBOUND_SMTP_ADDRESS", "127.0.0.1:8025" if DEMO else "")

# The name that our own MX writes into Authentication-Results (RFC 8601); only fields with one of these are believed.
LABS_KNOWN_FOR = 5.0
"""Seconds after which every process knows a lab that was declared in another."""
AUTHSERV_IDS = frozenset(name.lower() for name in re.split(r"[,\s]+", env("CARELANE_AUTHSERV_ID")) if name)
# Where a clamd listens that looks at attachments: the path of its socket, or host:port. Empty: nothing is scanned.
CLAMD = env("CARELANE_CLAMD")

# -- Files of strangers ------------------------------------------------------------------------------------------

# "full": a file is opened only where the kernel takes network and files away from the process that opens it.
# "best": what the kernel does not offer is done without. Limits of memory and time hold in both.
SANDBOX = env("CARELANE_SANDBOX", "full" if PRODUCTION else "best")
if SANDBOX not in {"full", "best"}:
    raise ImproperlyConfigured("CARELANE_SANDBOX must be full or best.")
# Messages over one connection before we say QUIT; servers end connections after 100 (OpenSMTPD) or 1,000 (Exim).
MESSAGES_PER_CONNECTION = int(env("CARELANE_MESSAGES_PER_CONNECTION", "90"))
if MESSAGES_PER_CONNECTION < 1:
    raise ImproperlyConfigured("CARELANE_MESSAGES_PER_CONNECTION must be at least 1.")

# -- How long rows are kept -----------------------------------------------------------------------------------

KEEP_CLICKS_DAYS = int(env("CARELANE_KEEP_CLICKS_DAYS", "400"))
if KEEP_CLICKS_DAYS < 1:
    raise ImproperlyConfigured("CARELANE_KEEP_CLICKS_DAYS must be at least 1.")
# Reports of mail servers that were understood; letters and whatever nobody understood are correspondence.
KEEP_REPORTS_DAYS = int(env("CARELANE_KEEP_REPORTS_DAYS", "90"))
if KEEP_REPORTS_DAYS < 1:
    raise ImproperlyConfigured("CARELANE_KEEP_REPORTS_DAYS must be at least 1.")

# -- Imports ---------------------------------------------------------------------------------------------------

# Processes that read, check and seal the rows of a large list while another writes them; 0: none.
IMPORT_HELPERS = int(env("CARELANE_IMPORT_HELPERS", str(os.cpu_count() or 1)))

# -- Files, words, time ------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(env("CARELANE_STATIC", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEMO
WHITENOISE_AUTOREFRESH = DEMO


def file_storage() -> dict[str, Any]:
    """Where sealed files lie: a folder in the data, or what CARELANE_STORAGE names with its options."""
    backend = env("CARELANE_STORAGE")
    if not backend:
        options = {"location": str(CARELANE_HOME / "files"), "file_permissions_mode": 0o600}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    options = json.loads(env("CARELANE_STORAGE_OPTIONS", "{}"))
    if PRODUCTION and str(options.get("endpoint_url", "")).startswith("http://"):
        raise ImproperlyConfigured("endpoint_url in CARELANE_STORAGE_OPTIONS must begin with https:// in production.")
    if backend.startswith("storages.backends.s3."):
        from boto3.s3.transfer import TransferConfig

        # What is stored may be read from the database meanwhile: by the thread, and the connection, that asked.
        # And of a large file only so much is held in memory while it is read.
        options = {"transfer_config": TransferConfig(use_threads=False), "max_memory_size": 16 * 2**20, **options}
    return {"BACKEND": backend, "OPTIONS": options}


STORAGES = {
    # Whatever is stored here is sealed before it arrives; names are random.
    "default": file_storage(),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEMO
        else "apps.core.http.staticfiles.HashedFiles"
    },
}
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 100 * 1024 * 1024  # an upload never touches the disk in plain
DATA_UPLOAD_MAX_MEMORY_SIZE = 110 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", "English"), ("es", "Español")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING_CONFIG = "config.logging.configure"
# Not empty, or Django would not call the function above.
LOGGING: dict[str, Any] = {"version": 1}

FORM_RENDERER = "apps.ui.forms.LookRenderer"
INSTALLED_APPS += ["django.forms"]
SILENCED_SYSTEM_CHECKS: list[str] = []

# -- Delivery ----------------------------------------------------------------------------------------------

# Name of a route to the module that carries it; delivery never imports the portal.
DELIVERY_ROUTES = {
    "tls": "apps.delivery.routes.tls",
    "pgp": "apps.delivery.routes.pgp",
    "smime": "apps.delivery.routes.smime",
    "portal": "apps.portal.route",
}
# (compiled, facts, envelope) -> MergedMessage; content and delivery lie on one layer.
DELIVERY_MERGE = "apps.content.merging.merge"
# The language a message was written in, from the number of its skeleton.
DELIVERY_LANGUAGE = "apps.content.selectors.language_of"
# domain=name@address:port entries for private networks, tests and the demo's mail servers.
TRANSPORT_MAP = env("CARELANE_TRANSPORT_MAP")
# Whether mail servers are looked up in the DNS. Not in the demo: no mail leaves the machine, whatever address is typed.
MAIL_DNS = env("CARELANE_MAIL_DNS", "0" if DEMO else "1") == "1"
# A file of root certificates trusted for mail servers besides the system's.
MAIL_ROOTS = env("CARELANE_MAIL_ROOTS")
# A file of roots that people's S/MIME certificates may chain to.
MAIL_ANCHORS = env("CARELANE_SMIME_ROOTS")
# The first of the four ports of the demo's mail servers.
DEMO_MAIL_PORT = int(env("CARELANE_DEMO_MAIL_PORT") or running_demo("mail-port") or "2601")
if DEMO and not TRANSPORT_MAP:
    TRANSPORT_MAP = ",".join(
        f"{name}mail.test=mx.{name}mail.test@127.0.0.1:{DEMO_MAIL_PORT + number}"
        for number, name in enumerate(("good", "plain", "old", "key"))
    )
    # The clinic's own people have their mailboxes at the first: a test send must arrive somewhere.
    TRANSPORT_MAP += f",riverbend.test=mx.goodmail.test@127.0.0.1:{DEMO_MAIL_PORT}"
    MAIL_ROOTS = MAIL_ROOTS or str(CARELANE_HOME / "demo-ca" / "root.pem")
    MAIL_ANCHORS = MAIL_ANCHORS or MAIL_ROOTS
# Called in one transaction after a backup was restored and migrated; restoring lies below whoever keeps positions.
AFTER_RESTORE = ["apps.journeys.services.intake.after_restore"]
# Called behind those with the actor: nothing goes on by itself that may have gone on after the backup was made.
HOLD_AFTER_RESTORE = [
    "apps.delivery.outbox.services.control.hold_after_restore",
    "apps.campaigns.services.sending.hold_after_restore",
    "apps.journeys.services.activation.hold_after_restore",
]
# Called when a command is through; commands lie below the trail.
AFTER_COMMAND = ["apps.audit.sequencer.pin"]
EMAIL_BACKEND = "apps.delivery.outbox.email_backend.OutboxBackend"

# -- Changes of the environment ----------------------------------------------------------------------------

# What a worker notes at its start, so that a change shows (Audit, Configuration). No credential, nothing of a person:
# addresses of database and Redis and the options of the storage, which may hold passwords, stay out.
ENVIRONMENT = {
    "VERSION": VERSION,
    "CARELANE_MODE": CARELANE_MODE,
    "CARELANE_HOME": str(CARELANE_HOME),
    "CARELANE_KEYS": str(CARELANE_KEYS),
    "CARELANE_CHECKPOINTS": str(CARELANE_CHECKPOINTS),
    "CARELANE_URL": PUBLIC_URL,
    "ALLOWED_HOSTS": ",".join(ALLOWED_HOSTS),
    "CARELANE_PROXIES": str(PROXIES),
    "CARELANE_TLS_REDIRECT": str(int(SECURE_SSL_REDIRECT)),
    "CARELANE_STATIC": str(STATIC_ROOT),
    "CARELANE_STORAGE": STORAGES["default"]["BACKEND"],
    "CARELANE_IMPORT_HELPERS": str(IMPORT_HELPERS),
    "CARELANE_TRANSPORT_MAP": TRANSPORT_MAP,
    "CARELANE_MAIL_DNS": str(int(MAIL_DNS)),
    "CARELANE_MAIL_ROOTS": MAIL_ROOTS,
    "CARELANE_SMIME_ROOTS": MAIL_ANCHORS,
    "CARELANE_LMTP_ADDRESS": INBOUND_LMTP,
    "CARELANE_INBOUND_SMTP_ADDRESS": INBOUND_SMTP,
    "CARELANE_AUTHSERV_ID": ",".join(sorted(AUTHSERV_IDS)),
    "CARELANE_CLAMD": CLAMD,
    "CARELANE_SANDBOX": SANDBOX,
    "CARELANE_MESSAGES_PER_CONNECTION": str(MESSAGES_PER_CONNECTION),
    "CARELANE_KEEP_CLICKS_DAYS": str(KEEP_CLICKS_DAYS),
    "CARELANE_KEEP_REPORTS_DAYS": str(KEEP_REPORTS_DAYS),
}
# Recorded before and after, in clear and by signals: so no model with a sealed or level 1 field, and each by its name
# (docs/decisions/0008-auditlog.md). Its middleware stays out: it copies network addresses and staff addresses.
AUDITLOG_INCLUDE_TRACKING_MODELS = ({"model": "organizations.EnvironmentSetting", "include_fields": ["value"]},)
AUDITLOG_DISABLE_REMOTE_ADDR = True
