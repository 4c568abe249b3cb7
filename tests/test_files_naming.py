"""The rule of file names: what follows it, what nearly does and why, whole sets, and the names that are proposed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v7migration.source.assigning import Assigner, singular, words
from v7migration.source.judging import COMPLIANT, EXEMPT, VIOLATION, judge
from v7migration.source.matching import Audited, Matching, match
from v7migration.source.naming import Registry, V7Name, parse, read, sets_of
from v7migration.source.proposing import Candidate, component, propose

LAYERS = dict(
    enumerate(
        (
            "Documentation", "Models & ENUMs", "Schemas", "Routers", "Services", "Configuration", "UI Components",
            "Testing",
        )
    )
)  # fmt: skip
WORKFLOWS = {
    "WF1": "Single Search", "WF2": "Staging Editor", "WF3": "Local Business Curation", "WF4": "Domain Curation",
    "WF5": "Sitemap Curation", "WF6": "Sitemap Import", "WF7": "Page Curation",
}  # fmt: skip
REGISTRY = Registry(WORKFLOWS, LAYERS)
NO_ROWS = Matching({}, (), (), (), ())


def reasons(name: str) -> str:
    """Return what is wrong with a name, in one text."""
    return "; ".join(read(name, REGISTRY).reasons)


@pytest.mark.parametrize(
    "name", ["WF1_V7_L0_1of1_DomainGuide.py", "WF7_V7_L7_2of10_test_page_2.py", "WF4_V7_L1_1of2__private.py"]
)
def test_a_name_of_the_rule_is_read_and_written_back(name: str) -> None:
    found = read(name, REGISTRY)
    assert found.reasons == ()
    assert str(found.name) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("WF3_V2_L1_1of2_X.py", "V2 instead of V7"),
        ("wf5_v7_l1_2of2_x.py", "lower case: wf5 instead of WF5"),
        ("WF5_v7_L6_1of1_X.py", "lower case: v7 instead of V7"),
        ("WF4-V7-L2-1of2-X.py", "hyphens instead of underscores"),
        ("WF4 V7 L2 1of2 X.py", "“ ” instead of “_”"),
        ("WF7_V7_L4_3of2_X.py", "3of2: the place is greater than the total"),
        ("WF7_V7_L4_0of2_X.py", "places count from 1"),
        ("WF12_V7_L3_1of1_X.py", "unknown workflow WF12"),
        ("WF6_V7_L9_1of1_X.py", "unknown layer L9"),
        ("WF1_V7_L2_2of2_.py", "the component is missing"),
        ("WF1_V7_L2_2of2.py", "the component is missing"),
        ("WF2_V7_2of2_X.py", "the layer (L and its number) is missing"),
        ("WF2_L1_2of2_X.py", "V7 is missing"),
        ("V7_L1_2of2_X.py", "the workflow (WF and its number) is missing"),
        ("WF2_V7_L1_X.py", "the place in the set"),
        ("WF9V7_L4_1of1_X.py", "an underscore is missing between WF9 and V7"),
        ("WF4_V7_L6_1_of_1_X.py", "1_of_1 instead of 1of1"),
        ("WF1_V7_L3_1of1_A-B.py", "the component A-B holds “-”"),
        ("WF1_V7_L3_1of1_Größe.py", "holds “ö” “ß”"),
        ("WF1_V7_L3_1of1_X.PY", "the extension .PY is not .py"),
        ("WF01_V7_L3_01of01_X.py", "WF01 instead of WF1"),
        ("WF1_L3_V7_1of1_X.py", "another order"),
        ("WF1_V7_LX_1of1_X.py", "“LX” does not belong there"),
        ("WF1_V7_L3_1of1_42.py", "describes nothing"),
        (f"WF1_V7_L3_1of1_{'x' * 250}.py", "more than 255 characters"),
    ],
)
def test_a_near_miss_is_named_with_its_reason(name: str, reason: str) -> None:
    assert reason in reasons(name)


@pytest.mark.parametrize("name", ["domain.py", "v2_api.py", "layer1.py", "2of3.py", "__init__.py", "wfm.py", ""])
def test_a_name_that_does_not_try_is_no_near_miss(name: str) -> None:
    assert read(name, REGISTRY).near is False


def test_what_is_registered_is_data() -> None:
    name = "WF8_V7_L12_1of1_Contact.py"
    assert "unknown workflow WF8" in reasons(name)
    assert read(name, Registry({"WF8": "Contacts"}, {12: "Contacts"})).reasons == ()
    assert read("WF1_V7_L1_1of1_X.py", Registry({}, {})).reasons != ()


@given(st.text(alphabet=st.sampled_from("wWfFvVlLoO127_-. 0é\n\x00\udce9Xy"), max_size=40))
def test_any_name_is_either_exactly_the_rule_or_has_a_reason(stem: str) -> None:
    name = f"{stem}.py"
    found = read(name, REGISTRY)
    exact = re.fullmatch(r"(WF[1-7])_V7_L([0-7])_([1-9][0-9]*)of([1-9][0-9]*)_(?=\w*[A-Za-z])([A-Za-z0-9_]+)\.py", name)
    is_right = exact is not None and int(exact[3]) <= int(exact[4])
    assert (found.near and not found.reasons) == is_right
    assert (found.name is not None and not found.reasons) == is_right


@given(
    st.builds(
        V7Name, st.sampled_from(sorted(WORKFLOWS)), st.sampled_from(sorted(LAYERS)), st.integers(1, 9),
        st.integers(9, 10**12), st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,30}", fullmatch=True),
    )
)  # fmt: skip
def test_every_name_that_is_made_is_read_as_it_was_made(name: V7Name) -> None:
    assert parse(str(name)) == name
    assert read(str(name), REGISTRY).reasons == ()


def test_a_set_is_whole_when_all_share_one_total_and_every_place_occurs_once() -> None:
    def told(*names: str) -> list[str]:
        parsed = [(f"src/{number}/{name}", parse(name)) for number, name in enumerate(names)]
        return ["; ".join(found.reasons) for found in sets_of([(path, name) for path, name in parsed if name])]

    assert told("WF1_V7_L1_1of2_A.py", "WF1_V7_L1_2of2_B.py", "WF1_V7_L2_1of1_A.py") == ["", ""]
    assert told("WF1_V7_L1_1of4_A.py", "WF1_V7_L1_3of4_B.py") == ["the set WF1 L1 lacks 2of4 and 4of4"]
    assert told("WF1_V7_L1_1of1_A.py", "WF1_V7_L1_1of1_A.py") == ["the set WF1 L1 has more than one file in place 1"]
    assert "different totals: 1 and 2" in told("WF1_V7_L1_1of1_A.py", "WF1_V7_L1_2of2_B.py")[0]
    assert "lacks 2of999999999999, 3of" in told("WF1_V7_L1_1of999999999999_A.py")[0]


@pytest.mark.parametrize(
    ("stem", "role", "expected"),
    [
        ("domain", "Model", "DomainModel"),
        ("domain_router", "Router", "DomainRouter"),
        ("domain_api", "Router", "DomainApi"),
        ("sitemap_schemas", "Schema", "SitemapSchemas"),
        ("job_settings", "Configuration", "JobSettings"),
        ("test_page", "Testing", "TestPage"),
        ("HTTPServer", "Service", "HTTPServerService"),
        ("größe", "Model", "GrosseModel"),
        ("модель", "Model", "SchemasModel"),
        ("", "Model", "SchemasModel"),
        ("42", "", "Schemas42"),
        ("-", "", "Schemas"),
    ],
)
def test_a_component_is_made_of_stem_and_role(stem: str, role: str, expected: str) -> None:
    assert component(stem, folder="schemas", role=role) == expected


SOME_STEMS = st.text(alphabet=st.sampled_from("abXY_-. 1é"), max_size=12)
SOME_NAMES = st.one_of(SOME_STEMS, st.from_regex(r"(WF[1-4]|wf1)_V7_L[0-3]_[0-4]of[1-4]_[A-Za-z]{0,4}", fullmatch=True))
SOME_PATHS = st.lists(
    st.builds(
        lambda folder, stem: f"{folder}/{stem}.py",
        st.sampled_from(["models", "src/services", "a/b", "tests", "domain/routers"]), SOME_NAMES,
    ),
    unique=True, max_size=30,
)  # fmt: skip


@given(SOME_PATHS, st.data())
def test_proposed_names_make_whole_sets_and_proposing_again_changes_nothing(
    paths: list[str], data: st.DataObject
) -> None:
    audited = [
        Audited(
            number, path, data.draw(st.none() | st.integers(0, 8)),
            tuple(data.draw(st.lists(st.sampled_from(["WF1", "WF2", "SYSTEM", "WF99"]), max_size=2, unique=True))),
            data.draw(st.none() | st.sampled_from(["WF1_V7_L1_2of2_Kept.py", "nonsense", ""])),
        )
        for number, path in enumerate(sorted(paths))
        if data.draw(st.booleans())
    ]  # fmt: skip
    matched = match(sorted(paths), audited)
    judged = judge(sorted(paths), matched, REGISTRY)
    targets = {file.path: file.target for file in judged.files if file.target}
    assert len(set(targets.values())) == len(targets)
    for target in targets.values():
        assert read(target, REGISTRY).reasons == (), target
    names = [(target, parsed) for target in targets.values() if (parsed := parse(target))]
    assert all(found.reasons == () for found in sets_of(names))

    renamed = {path: f"{path.rpartition('/')[0]}/{targets[path]}" if path in targets else path for path in paths}
    rows = [Audited(r.key, renamed[r.path], r.layer, r.workflows, targets.get(r.path, r.target)) for r in audited]
    if len(set(renamed.values())) == len(paths):
        again = judge(sorted(renamed.values()), match(sorted(renamed.values()), rows), REGISTRY)
        assert {file.path.rpartition("/")[2] for file in again.files if file.target} == set(targets.values())
        assert all(file.path.endswith(f"/{file.target}") for file in again.files if file.target)


def test_a_stored_target_keeps_its_component_and_its_place() -> None:
    files = [
        Candidate("models/a.py", "WF1", 1, read("a.py", REGISTRY)),
        Candidate("models/b.py", "WF1", 1, read("b.py", REGISTRY), "WF1_V7_L1_1of2_Better.py"),
        Candidate("models/c.py", "WF1", 1, read("c.py", REGISTRY), "WF2_V7_L1_2of3_Elsewhere.py"),
    ]
    found = {path: str(name) for path, name in propose(files, LAYERS).items()}
    assert found == {
        "models/a.py": "WF1_V7_L1_2of3_AModel.py",
        "models/b.py": "WF1_V7_L1_1of3_Better.py",
        "models/c.py": "WF1_V7_L1_3of3_CModel.py",
    }


@pytest.mark.parametrize(
    ("path", "layer", "workflow"),
    [
        ("src/models/domain.py", 1, "WF4"),
        ("src/api/v1/sitemap_import.py", 3, "WF6"),
        ("app/domain/models.py", 1, "WF4"),
        ("config/page.py", 5, "WF7"),
        ("tests/models/test_domain.py", 7, "WF4"),
        ("docs/search_guide.py", 0, "WF1"),
        ("layer2/wf3/thing.py", 2, "WF3"),
        ("src/services/sitemap.py", 4, None),
        ("domain_service.py", 4, "WF4"),
        ("a/b/c.py", None, None),
        ("src/models/WF2_V7_L1_1of1_Domain.py", 1, "WF2"),
    ],
)
def test_layer_and_workflow_are_told_by_name_folders_and_words(
    path: str, layer: int | None, workflow: str | None
) -> None:
    found = Assigner(REGISTRY).assign(path, read(path.rpartition("/")[2], REGISTRY), None)
    assert (found.layer, found.workflow) == (layer, workflow)


def test_the_audit_decides_before_folders_and_words() -> None:
    def given_by(path: str, layer: int | None, *codes: str) -> tuple[int | None, str | None, str]:
        name = path.rpartition("/")[2]
        found = Assigner(REGISTRY).assign(path, read(name, REGISTRY), Audited(1, path, layer, codes))
        return found.layer, found.workflow, found.exempt

    assert given_by("src/models/domain.py", 4, "WF2") == (4, "WF2", "")
    assert given_by("src/models/domain.py", None, "WF2", "WF4") == (1, "WF4", "")
    assert given_by("src/models/tenant.py", 1, "WF2", "WF4") == (1, "WF2", "")
    assert given_by("src/models/base.py", 1, "SYSTEM")[2] == "infrastructure without a workflow, as file_audit says"
    assert given_by("src/models/domain.py", 1, "WF99") == (1, None, "")


def test_names_that_python_and_tools_look_for_need_no_v7_name() -> None:
    paths = ["domain/__init__.py", "domain/conftest.py", "manage.py", "models/domain.py", "x.py"]
    verdicts = {file.path: file.verdict for file in judge(paths, NO_ROWS, REGISTRY).files}
    assert verdicts == dict(zip(paths, [EXEMPT, EXEMPT, EXEMPT, VIOLATION, VIOLATION], strict=True))


def test_a_name_that_contradicts_file_audit_is_a_violation() -> None:
    path = "src/WF1_V7_L3_1of1_X.py"
    for row, said in (
        (Audited(1, path, 4, ("WF1",)), "the name says L3, file_audit says L4 (Services)"),
        (Audited(1, path, 3, ("WF2", "WF4")), "the name says WF1, file_audit says WF2, WF4"),
        (Audited(1, path, 3, ("SYSTEM",)), "the name says WF1, file_audit says SYSTEM"),
    ):
        assert said in judge([path], match([path], [row]), REGISTRY).files[0].reasons
    assert judge([path], match([path], [Audited(1, path, 3, ("WF2", "WF1"))]), REGISTRY).files[0].verdict == COMPLIANT


@given(st.text(max_size=30))
def test_words_and_singulars_of_anything_are_words(text: str) -> None:
    assert all((word and word == singular(word)) or len(word) > 1 for word in words(text))
    assert words("HTTPServer ENUMs domain_checks2") == ["http", "server", "enum", "domain", "check", "2"]
