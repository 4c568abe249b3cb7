"""What the planning home begins with: seven phases, the tasks of Phases 1 and 4, layers and workflows.

Ids are derived from names, so that the script's own population has the same ones.
"""

import uuid

from django.db import migrations

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "v7-migration")

PHASES = [
    (1, "Assessment", "The Architect", 5, "database reality documented"),
    (2, "Design", "Layer Guardians", 5, "all proposals complete"),
    (3, "Review", "Workflow Personas", 3, "global impacts approved"),
    (4, "Database", "DB Team Lead + The Architect", 2, "database scripts tested"),
    (5, "Implementation", "Dev Team", 10, "code complete"),
    (6, "Validation", "Test Sentinel", 5, "tests passing"),
    (7, "Retirement", "The Architect", 30, "30 days of stability"),
]
TASKS = [
    (1, 1, "Compare file_audit with the source tree: orphans and phantoms", "The Architect", []),
    (1, 2, "Inventory the ENUM types that models and database declare", "Data Sentinel", []),
    (1, 3, "List the file names that do not follow the V7 standard", "Layer Guardians", []),
    (1, 4, "Describe what each workflow depends on", "Workflow Personas", []),
    (1, 5, "Document the database reality for the review gate", "The Architect", [1, 2, 3, 4]),
    (4, 1, "Database State Documentation", "The Architect", []),
    (4, 2, "Script Review and Validation", "DB Team Lead", []),
    (4, 3, "Impact Analysis", "Layer Guardians", []),
    (4, 4, "Create V7 Infrastructure Tables", "DB Team Lead", [1, 2, 3]),
    (4, 5, "Enhance File Audit Table", "DB Team Lead", [4]),
    (4, 6, "Populate Initial Data", "The Architect", [5]),
    (4, 7, "Validation Testing", "Test Sentinel", [6]),
    (4, 8, "Integration Setup", "Dev Team", [6]),
]
LAYERS = [
    (0, "Documentation", "The Architect"),
    (1, "Models & ENUMs", "Data Sentinel"),
    (2, "Schemas", "Schema Guardian"),
    (3, "Routers", "Router Guardian"),
    (4, "Services", "Service Arbiter"),
    (5, "Configuration", "Config Conductor"),
    (6, "UI Components", "UI Virtuoso"),
    (7, "Testing", "Test Sentinel"),
]
WORKFLOWS = [
    ("WF1", "Single Search"),
    ("WF2", "Staging Editor"),
    ("WF3", "Local Business Curation"),
    ("WF4", "Domain Curation"),
    ("WF5", "Sitemap Curation"),
    ("WF6", "Sitemap Import"),
    ("WF7", "Page Curation"),
]


def fixed_id(name):
    return uuid.uuid5(NAMESPACE, name)


def seed(apps, schema_editor):
    if schema_editor.connection.alias != "default":
        return

    def add(model, rows):
        apps.get_model("tracking", model)._base_manager.using("default").bulk_create(rows)

    phase, task = apps.get_model("tracking", "Phase"), apps.get_model("tracking", "SubworkflowTask")
    layer, workflow = apps.get_model("tracking", "Layer"), apps.get_model("tracking", "WorkflowCode")
    add(
        "Phase",
        [
            phase(
                id=fixed_id(f"phase {number}"),
                phase_number=number,
                phase_name=name,
                lead_persona=lead,
                deliverables={"days": days, "review_gate": gate},
            )
            for number, name, lead, days, gate in PHASES
        ],
    )
    add(
        "SubworkflowTask",
        [
            task(
                id=fixed_id(f"task {phase_number}.{number}"),
                parent_phase_id=phase_number,
                task_number=number,
                task_name=name,
                responsible_persona=persona,
                dependencies=[fixed_id(f"task {phase_number}.{other}") for other in waits_for],
            )
            for phase_number, number, name, persona, waits_for in TASKS
        ],
    )
    add("Layer", [layer(number=number, name=name, guardian=guardian) for number, name, guardian in LAYERS])
    add("WorkflowCode", [workflow(code=code, name=name, persona=f"{code} Persona") for code, name in WORKFLOWS])


PHASE_COLUMNS = (
    "id, phase_number, phase_name, status, lead_persona, started_at, completed_at, approval_status, approved_by, "
    "approval_notes, deliverables, blockers, created_at, updated_at"
)
TASK_COLUMNS = (
    "id, parent_phase, task_number, task_name, responsible_persona, status, dart_task_id, dart_task_url, started_at, "
    "completed_at, blockers, dependencies, deliverable_urls, notes, created_at, updated_at"
)


def first_versions(history, table, columns):
    """Return the SQL of the first version of each seeded row."""
    return f"""
        INSERT INTO public.{history} (history_id, history_date, history_type, history_change_reason, {columns})
        SELECT gen_random_uuid(), created_at, '+', 'The plan that the migration begins with', {columns}
        FROM public.{table};
    """  # noqa: S608 (names of our own)


class Migration(migrations.Migration):
    dependencies = [("tracking", "0002_gate")]

    operations = [
        migrations.RunPython(seed, migrations.RunPython.noop),
        migrations.RunSQL(first_versions("phase_history", "v7_migration_workflow", PHASE_COLUMNS), ""),
        migrations.RunSQL(first_versions("subworkflow_task_history", "v7_subworkflow_tasks", TASK_COLUMNS), ""),
    ]
