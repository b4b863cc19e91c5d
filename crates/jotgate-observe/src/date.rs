//! Dates in lines: the text of a second is made once, and used for every line of that second.

use std::cell::RefCell;

use jotgate_model::Timestamp;

thread_local! {
    /// The second that was written last, and its text without what follows the point.
    static LAST: RefCell<(i64, String)> = const { RefCell::new((0, String::new())) };
}

/// Appends `time` in the form of [`Timestamp`]'s `Display`.
pub(crate) fn write(line: &mut String, time: Timestamp) {
    const FRACTION: usize = "000Z".len();
    let second = time.as_millis().div_euclid(1000);
    LAST.with_borrow_mut(|(known, text)| {
        if *known != second || text.is_empty() {
            *known = second;
            *text = Timestamp::from_millis(second * 1000).to_string();
            text.truncate(text.len() - FRACTION);
        }
        line.push_str(text);
    });
    let mut millis = time.as_millis().rem_euclid(1000);
    for place in [100, 10, 1] {
        line.push(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'][(millis / place) as usize]);
        millis %= place;
    }
    line.push('Z');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_that_of_display() {
        for millis in [
            1_700_000_000_123,
            1_700_000_000_004,
            1_700_000_001_999,
            0,
            -1,
            -1_000,
            1_700_000_000_123,
        ] {
            let time = Timestamp::from_millis(millis);
            let mut line = String::new();
            write(&mut line, time);
            assert_eq!(line, time.to_string());
        }
    }
}
