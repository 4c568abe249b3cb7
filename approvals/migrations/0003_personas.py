"""The personas of the migration: guardians of layers, speakers for workflows, and who signs."""

from django.db import migrations

PERSONAS = (
    # name, description, layer guarded, may sign
    ("The Architect", "Coordinates the phases and alone approves them.", 0, True),
    ("DB Team Lead", "Reviews the script and executes the database changes.", None, True),
    ("Test Sentinel", "Validates the rehearsal, the rollback and the result.", 7, True),
    ("Dev Team", "Integrates the application with what the migration created.", None, True),
    ("Conductor", "Tracks the work; may not approve.", None, False),
    ("Data Sentinel", "Guards the models and ENUM types.", 1, True),
    ("Schema Guardian", "Guards the schemas.", 2, True),
    ("Router Guardian", "Guards the routers.", 3, True),
    ("Service Arbiter", "Guards the services.", 4, True),
    ("Config Conductor", "Guards the configuration.", 5, True),
    ("UI Virtuoso", "Guards the user interface components.", 6, True),
)
WORKFLOWS = (
    ("WF1", "Single Search"),
    ("WF2", "Staging Editor"),
    ("WF3", "Local Business Curation"),
    ("WF4", "Domain Curation"),
    ("WF5", "Sitemap Curation"),
    ("WF6", "Sitemap Import"),
    ("WF7", "Page Curation"),
)


def create(apps, schema_editor):
    manager = apps.get_model("approvals", "Persona").objects.using(schema_editor.connection.alias)
    for name, description, layer, may_approve in PERSONAS:
        manager.create(name=name, description=description, layer_number=layer, may_approve=may_approve)
    for code, title in WORKFLOWS:
        manager.create(name=f"{code} Persona", description=f"Speaks for {code}, {title}.", workflow_code=code)


def remove(apps, schema_editor):
    manager = apps.get_model("approvals", "Persona").objects.using(schema_editor.connection.alias)
    names = [row[0] for row in PERSONAS] + [f"{code} Persona" for code, _ in WORKFLOWS]
    manager.filter(name__in=names).delete()


class Migration(migrations.Migration):
    dependencies = [("approvals", "0002_records_that_stand")]

    operations = [migrations.RunPython(create, remove)]
