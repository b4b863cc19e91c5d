//! Listeners, the request path, upstream pool, tunnels
