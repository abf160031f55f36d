"""Items that changed since the build, laid over its artifact."""
