//! A small language for scenarios: backend, gateway, client.
