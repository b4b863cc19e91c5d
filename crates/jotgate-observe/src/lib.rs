//! Metrics, access log, logging
