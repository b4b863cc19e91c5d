//! Key sources, current key sets and the verified-token cache
