//! Sessions: in memory with a journal on disk
