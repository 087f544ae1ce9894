"""Roles and users of a migrated site, in one process. Each password is the name and "-secret"."""
from superset.app import create_app

app = create_app()
with app.app_context():
    from superset import appbuilder, security_manager as sm
    from superset.extensions import db

    appbuilder.add_permissions(update_perms=True)
    sm.sync_role_definitions()
    for name, role in (("admin", "Admin"), ("sync", "Admin"), ("editor", "Admin"), ("alpha", "Alpha"), ("gamma", "Gamma")):
        if not sm.find_user(username=name) and not sm.add_user(
            name, name.capitalize(), "User", f"{name}@example.invalid", sm.find_role(role), password=name + "-secret"
        ):
            raise SystemExit(f"cannot create user {name}")
    db.session.commit()
