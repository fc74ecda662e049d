"""Pages of templates, the editor, the image library and brands."""
