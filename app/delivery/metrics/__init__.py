"""How the engine is doing, for Prometheus."""
