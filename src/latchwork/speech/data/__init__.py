"""Sound that is shipped with the package."""
