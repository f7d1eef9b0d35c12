// The module's entry point.
