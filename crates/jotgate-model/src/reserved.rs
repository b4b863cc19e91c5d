//! Words that follow a prefix in the addresses of the real system.

/// Path segments that mean something to the gateway or to a Qlik backend. A prefix must not be one,
/// and `/x/<word>/...` with an `x` that is no prefix is a request for a virtual proxy that does not
/// exist. Lower case and sorted; requests are compared in any case.
pub const RESERVED_WORDS: [&str; 21] = [
    "api",
    "app",
    "appcontent",
    "client",
    "content",
    "data",
    "dev-hub",
    "extensions",
    "fonts",
    "hub",
    "internal_forms_authentication",
    "jotgate",
    "printing",
    "qmc",
    "qps",
    "qrs",
    "resources",
    "sense",
    "sessioncontent",
    "single",
    "tempcontent",
];

/// Whether `segment` is a reserved word, in any case.
#[must_use]
pub fn is_reserved_word(segment: &str) -> bool {
    RESERVED_WORDS
        .iter()
        .any(|word| word.eq_ignore_ascii_case(segment))
}
