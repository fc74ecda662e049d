"""Lists of what happened to people: conditions, visits, medications, procedures, immunizations, labs."""
