//! The token verdict: keys, signatures, claims, attribute mapping
