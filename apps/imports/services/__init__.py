"""Imports, from upload to result: what people decide about them."""

from apps.imports.services.jobs import (
    Upload,
    import_cancel,
    import_check,
    import_create,
    import_map,
    import_resume,
    import_start,
)

__all__ = [
    "Upload",
    "import_cancel",
    "import_check",
    "import_create",
    "import_map",
    "import_resume",
    "import_start",
]
