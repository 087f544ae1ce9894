"""Configuration of one Superset site of the lab; the lab sets the variables."""
import os
from datetime import timedelta

_dir = os.environ["SUPERSET_HOME"]

# One key for all sites: they are copies of one template, whose stored secrets
# must stay readable. It protects nothing.
SECRET_KEY = "lab-key-not-a-secret-0123456789abcdefghijklmn"
# SQLAlchemy 1.4 opens SQLite files anew for each request, so a site is put
# back by renaming another file into its place, under the running server.
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_dir}/superset.db?check_same_thread=false&timeout=60"
SQLALCHEMY_EXAMPLES_URI = f"sqlite:///{_dir}/examples.db?check_same_thread=false"
PREVENT_UNSAFE_DB_CONNECTIONS = False  # SQLite as a data source, also on import

WTF_CSRF_ENABLED = True
SESSION_COOKIE_SAMESITE = "Lax"
RATELIMIT_ENABLED = False
AUTH_RATE_LIMITED = False
TALISMAN_ENABLED = False
ENABLE_PROXY_FIX = True  # X-Forwarded-Proto counts
CONTENT_SECURITY_POLICY_WARNING = False
FAB_ADD_SECURITY_API = True
FAB_API_KEY_ENABLED = True
FEATURE_FLAGS = {"TAGGING_SYSTEM": not os.environ.get("LAB_NO_TAGS"), "ENABLE_TEMPLATE_PROCESSING": True, "DATASET_FOLDERS": True}

if os.environ.get("LAB_JWT_SECONDS"):
    JWT_ACCESS_TOKEN_EXPIRES = timedelta(seconds=int(os.environ["LAB_JWT_SECONDS"]))

CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}


class CELERY_CONFIG:
    broker_url = "memory://"
    result_backend = "cache+memory://"


if os.environ.get("LAB_LDAP"):  # the site logs in by this server's accounts
    AUTH_TYPE = 2  # flask_appbuilder.security.manager.AUTH_LDAP
    AUTH_LDAP_SERVER = os.environ["LAB_LDAP"]
    AUTH_LDAP_SEARCH = "ou=people,dc=example,dc=invalid"
    AUTH_LDAP_BIND_USER = "cn=admin,dc=example,dc=invalid"
    AUTH_LDAP_BIND_PASSWORD = "admin-of-ldap"
    AUTH_USER_REGISTRATION = True
    AUTH_USER_REGISTRATION_ROLE = "Admin"
