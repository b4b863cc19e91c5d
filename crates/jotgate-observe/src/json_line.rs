//! Writing one JSON object on one line, without a tree in between.

use std::fmt::Write;

use jotgate_model::Timestamp;

use crate::date;

/// An object that is being written.
#[derive(Debug)]
pub(crate) struct JsonLine<'a>(&'a mut String);

impl<'a> JsonLine<'a> {
    /// Begins an object in `buffer`, whose contents are lost.
    pub(crate) fn new(buffer: &'a mut String) -> Self {
        buffer.clear();
        buffer.push('{');
        Self(buffer)
    }

    /// A member whose value is text. Control characters, quotes and line breaks are escaped: a value
    /// cannot begin a line of its own (CVE-2024-45808).
    pub(crate) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        self.0.push('"');
        // Nearly every value is like this. Looking at all bytes is quicker than stopping at the first
        // one that needs care: they are compared many at a time.
        let is_plain = |b: u8| matches!(b, b' '..=b'~') & (b != b'"') & (b != b'\\');
        if value.bytes().fold(true, |plain, b| plain & is_plain(b)) {
            self.0.push_str(value);
        } else {
            self.escape(value);
        }
        self.0.push('"');
        self
    }

    fn escape(&mut self, value: &str) {
        for c in value.chars() {
            match c {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                // Line and paragraph separators end a line for some readers.
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        // Writing to a String cannot fail.
                        write!(self.0, "\\u{unit:04x}").unwrap_or_default();
                    }
                }
                c => self.0.push(c),
            }
        }
    }

    /// A member whose value is a time.
    pub(crate) fn time(&mut self, name: &str, value: Timestamp) -> &mut Self {
        self.name(name);
        self.0.push('"');
        date::write(self.0, value);
        self.0.push('"');
        self
    }

    /// A member whose value is a number.
    pub(crate) fn number(&mut self, name: &str, value: u64) -> &mut Self {
        self.name(name);
        self.0.push_str(itoa::Buffer::new().format(value));
        self
    }

    /// Ends the object and the line.
    pub(crate) fn finish(self) {
        self.0.push_str("}\n");
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_values_stay_inside_of_their_line() {
        let hostile = "a\"b\\c\r\n\u{0}\u{2028}é\u{1b}[31m";
        let mut text = String::new();
        let mut line = JsonLine::new(&mut text);
        line.text("v", hostile).number("n", 5);
        line.finish();
        assert_eq!(text.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["v"], hostile);
        assert_eq!(value["n"], 5);
    }
}
