"""The API layer by itself: schema, loaders, pages and what the top level says, without HTTP."""
