"""Mail of somebody whose record is merged into another."""
