//! Several texts in one allocation.

/// Texts one after the other, each behind its length.
///
/// A length is written in base 64, low digit first, one ASCII byte a digit; every digit but the last
/// has bit 6 set. So the whole is valid UTF-8 and takes one byte for a length below 64, and reading
/// it back needs no check but those that slicing makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct PackedText(Box<str>);

impl PackedText {
    /// Packs `texts`.
    pub(crate) fn pack<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Self {
        let length = texts.clone().map(|t| digits(t.len()) + t.len()).sum();
        let mut packed = String::with_capacity(length);
        for text in texts {
            push_length(&mut packed, text.len());
            packed.push_str(text);
        }
        Self(packed.into_boxed_str())
    }

    /// The texts, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        Texts(&self.0)
    }
}

#[derive(Clone)]
struct Texts<'a>(&'a str);

impl<'a> Iterator for Texts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let mut length = 0;
        for (i, byte) in self.0.bytes().enumerate() {
            length |= usize::from(byte & 0x3F) << (6 * i);
            if byte & 0x40 == 0 {
                let (text, rest) = self.0.get(i + 1..)?.split_at_checked(length)?;
                self.0 = rest;
                return Some(text);
            }
        }
        None
    }
}

fn push_length(packed: &mut String, mut length: usize) {
    while length >= 64 {
        packed.push(digit(length % 64 + 64));
        length /= 64;
    }
    packed.push(digit(length));
}

/// `value` is below 128.
fn digit(value: usize) -> char {
    char::from(u8::try_from(value).unwrap_or_default())
}

const fn digits(length: usize) -> usize {
    match length {
        0..64 => 1,
        64..4_096 => 2,
        4_096..262_144 => 3,
        _ => 6,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(texts: &[String]) {
        let packed = PackedText::pack(texts.iter().map(String::as_str));
        assert!(packed.iter().eq(texts.iter().map(String::as_str)));
    }

    #[test]
    fn lengths_around_a_digit_come_back() {
        for length in [0, 1, 63, 64, 65, 4_095, 4_096, 4_097, 70_000, 262_144] {
            round_trip(&["é".repeat(length / 2), "x".repeat(length), String::new()]);
        }
    }

    #[test]
    fn small_texts_cost_one_byte_each() {
        let packed = PackedText::pack(["user", "", "directory"].into_iter());
        assert_eq!(packed.0.len(), 4 + 9 + 3);
    }

    proptest! {
        #[test]
        fn any_texts_come_back(texts in prop::collection::vec(any::<String>(), 0..12)) {
            round_trip(&texts);
        }
    }
}
