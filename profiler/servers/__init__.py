"""Model servers: how each engine is started, watched and stopped."""
