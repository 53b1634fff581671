import pytest

from profiler.models import licences
from profiler.models.licences import licence_class


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("apache-2.0", "permissive"),
        ("MIT", "permissive"),
        ("cc0-1.0", "permissive"),
        ("llama3.2", "restricted"),
        ("Gemma", "restricted"),
        ("agpl-3.0", "restricted"),
        ("cc-by-sa-4.0", "restricted"),
        ("cc-by-nc-4.0", "non-commercial"),
        ("cc-by-nc-sa-3.0", "non-commercial"),
        ("qwen-research", "non-commercial"),
        ("Some Non Commercial licence", "non-commercial"),
        ("other", "unknown"),
        ("my-own", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_class_of_a_licence(licence: str | None, expected: str) -> None:
    assert licence_class(licence) == expected


def test_no_licence_is_in_two_classes() -> None:
    sets = [licences._PERMISSIVE, licences._RESTRICTED, licences._NON_COMMERCIAL]
    assert sum(map(len, sets)) == len(set.union(*sets))
