"""Both programs of the article that started this: as written, then done well."""
