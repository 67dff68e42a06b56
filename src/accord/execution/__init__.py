"""How operations run. The stock executor of graphql-core serves; what subclasses it is `accord.schema.operation`."""
