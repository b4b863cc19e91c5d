//! Every decision of the request path as a pure function
