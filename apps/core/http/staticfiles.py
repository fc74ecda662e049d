"""How static files are served in production: hashed names, compressed, cached for a year."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Also renames what ES modules import from each other; without it `./toast.js` would miss its hash."""

    support_js_module_import_aggregation = True
