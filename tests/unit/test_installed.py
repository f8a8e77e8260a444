"""What is tested is what is shipped."""

from importlib.resources import files
from pathlib import Path

import oomwatchd


def test_the_installed_package_is_tested_not_the_tree() -> None:
    """The tree lies beside the tests, and must not be what they import."""
    tree = Path(__file__).parents[2]
    imported = Path(oomwatchd.__file__).parent
    assert imported != tree / "oomwatchd"
    assert imported.parent.name == "site-packages"


def test_the_schema_is_shipped() -> None:
    """Whoever reads the status document finds its schema in the package."""
    assert (files("oomwatchd") / "status" / "schema.json").is_file()
