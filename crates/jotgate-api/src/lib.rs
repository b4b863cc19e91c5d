//! QRS and QPS, the interfaces that Qlik's clients speak
