"""Pictures and reports: how results look."""
