"""Imports by command: the figures as JSON, rejected rows, and the exit code of each refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from apps.imports.models import ImportJob

pytestmark = pytest.mark.django_db
DATA = Path(__file__).resolve().parent.parent / "data"
SYNTHEA = sorted((DATA / "synthea").glob("*.csv"))


@pytest.fixture(autouse=True)
def storage(tmp_path, settings):
    """Uploads go to a folder of the test."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }


def test_the_commands_print_the_figures_and_exit_as_promised(noon, capsys, tmp_path) -> None:
    paths = [str(path) for path in SYNTHEA]
    call_command("import_contacts", *paths, preset="synthea", invent_addresses=True, as_json=True)
    result = json.loads(capsys.readouterr().out)
    assert {"read", "new", "changed", "unchanged", "rejected", "errors_file"} <= set(result)
    assert result["new"] == result["read"]
    assert result["unused"] == ["allergies"]
    assert result["errors_file"] is None

    call_command(
        "import_contacts", str(DATA / "contacts.csv"), mapping=str(DATA / "contacts.mapping.json"), as_json=True
    )
    result = json.loads(capsys.readouterr().out)
    assert (result["new"], result["rejected"], result["unread"], result["errors_file"]) == (5, 0, 2, None)
    call_command("import_errors", str(result["import"]), cells=True)
    assert "ruth at goodmail" in capsys.readouterr().out
    rows = tmp_path / "rows.csv"
    rows.write_text(
        "Record,Given name,Surname,Born,Gender,E-mail,Cell,Newsletter consent,Consented on,Form,Password\n"
        "RB-9,Otis,Hale,,M,otis@goodmail.test,,perhaps,1/1/2026,,x\n"
    )
    call_command("import_contacts", str(rows), mapping=str(DATA / "contacts.mapping.json"), as_json=True)
    result = json.loads(capsys.readouterr().out)
    sealed = Path(result["errors_file"]).read_bytes()
    assert b"goodmail" not in sealed
    call_command("import_errors", str(result["import"]))
    assert "Hale" in capsys.readouterr().out

    broken, deep, unknown = tmp_path / "broken.json", tmp_path / "deep.json", tmp_path / "unknown.json"
    broken.write_text('{"match_on": ')
    deep.write_text("[" * 100_000)
    unknown.write_text('{"match_on": "mrn", "columns": {"MRN": "shoe_size"}}')
    for arguments, code in (
        (["import_contacts", str(DATA / "contacts.csv")], 2),
        (["import_contacts", "--mapping", str(broken), str(DATA / "contacts.csv")], 2),
        (["import_contacts", "--mapping", str(deep), str(DATA / "contacts.csv")], 2),
        (["import_contacts", "--mapping", str(unknown), str(DATA / "contacts.csv")], 1),
        (["segment_save", "Broken", str(broken)], 2),
        (["segment_save", "Deep", str(deep)], 2),
        (["template_save", "Broken", str(broken)], 2),
        (["template_save", "Deep", str(deep)], 2),
        (["campaign_save", "Broken", str(broken)], 2),
        (["campaign_save", "Deep", str(deep)], 2),
        (["import_contacts", "--preset", "synthea", str(tmp_path / "absent.csv")], 2),
        (["import_contacts", "--preset", "synthea", str(DATA / "contacts.csv")], 1),
        (["import_appointments", "--as", "nobody@clinic.test", str(DATA / "appointments.csv")], 1),
    ):
        with pytest.raises(SystemExit) as left:
            call_command(*arguments)
        assert left.value.code == code
    text = capsys.readouterr().err
    assert "no table of Synthea" in text


def test_a_place_for_rejected_rows_that_is_not_there_is_told_before_anything_is_imported(tmp_path, capsys) -> None:
    listed, mapping = tmp_path / "list.csv", tmp_path / "mapping.json"
    listed.write_text("MRN,Born\n1,1970-01-01\n2,never\n")
    mapping.write_text(json.dumps({"match_on": "mrn", "columns": {"MRN": "mrn", "Born": "birth_date"}}))
    for place in (tmp_path / "absent" / "rejected.csv", tmp_path):
        with pytest.raises(SystemExit) as stop:
            call_command("import_contacts", str(listed), mapping=str(mapping), errors_to=str(place))
        assert stop.value.code == 2
        assert "--errors-to" in capsys.readouterr().err
    assert not ImportJob.objects.exists()
