//! Charts, drawn on the server: where things stand in an SVG of 100 units in height and [`STEP`] units
//! for each value in width, which a style sheet stretches to its place. Words stand beside it, in HTML.

/// The width of each value.
const STEP: usize = 10;
/// The height of a chart.
const HEIGHT: f64 = 100.0;

/// Bars beside each other, each of several parts on top of each other.
pub(crate) struct Bars {
    pub(crate) bars: Vec<Bar>,
    /// The words of the lines from the top to the bottom, which are as far apart as each other.
    pub(crate) scale: [String; 3],
    pub(crate) width: usize,
}

/// One bar.
pub(crate) struct Bar {
    pub(crate) x: usize,
    /// From the bottom to the top; without those that are nothing.
    pub(crate) parts: Vec<Part>,
    /// What it says when it is pointed at.
    pub(crate) words: String,
}

/// A part of a bar. `class` gives its colour.
pub(crate) struct Part {
    pub(crate) class: &'static str,
    pub(crate) y: String,
    pub(crate) height: String,
}

impl Bars {
    /// Bars of numbers, from bottom to top, in the colours of `classes`.
    pub(crate) fn new<const N: usize>(
        classes: [&'static str; N],
        values: impl IntoIterator<Item = ([u64; N], String)>,
    ) -> Self {
        let values: Vec<_> = values.into_iter().collect();
        let sums = values.iter().map(|(parts, _)| parts.iter().sum::<u64>());
        let half = half_of_scale(sums.max().unwrap_or(0));
        let top = half as f64 * 2.0;
        let width = values.len() * STEP;
        let bars = values
            .into_iter()
            .enumerate()
            .map(|(at, (numbers, words))| {
                let mut below = 0;
                let parts = classes
                    .into_iter()
                    .zip(numbers)
                    .filter_map(|(class, number)| {
                        below += number;
                        (number > 0).then(|| Part {
                            class,
                            y: number_of(HEIGHT - below as f64 / top * HEIGHT),
                            height: number_of(number as f64 / top * HEIGHT),
                        })
                    });
                Bar {
                    x: at * STEP + 1,
                    parts: parts.collect(),
                    words,
                }
            });
        Self {
            bars: bars.collect(),
            scale: [half * 2, half, 0].map(grouped),
            width,
        }
    }
}

/// Half of a scale that ends with a round number, not below `most`: 1, 2 or 5 with zeros behind it.
fn half_of_scale(most: u64) -> u64 {
    let mut ten: u64 = 1;
    loop {
        for half in [1, 2, 5] {
            let half = half * ten;
            if half.saturating_mul(2) >= most || half > u64::MAX / 20 {
                return half;
            }
        }
        ten *= 10;
    }
}

/// Lines over a scale on which each line of the grid is ten times the one below it.
pub(crate) struct Lines {
    pub(crate) lines: Vec<Line>,
    /// The powers of ten from the top to the bottom; they are as far apart as each other.
    pub(crate) scale: Vec<Level>,
    pub(crate) width: usize,
}

/// A line of a chart. `class` gives its look.
pub(crate) struct Line {
    pub(crate) class: &'static str,
    pub(crate) path: String,
}

/// A line of the grid.
pub(crate) struct Level {
    pub(crate) power: i32,
    pub(crate) y: String,
}

impl Lines {
    /// One line for each class, with gaps where there is no value. Values are above zero.
    pub(crate) fn new<const N: usize>(
        classes: [&'static str; N],
        values: &[Option<[f64; N]>],
    ) -> Self {
        let known = || values.iter().flatten().flatten();
        let least = known().copied().fold(f64::INFINITY, f64::min);
        let most = known().copied().fold(0.0, f64::max);
        let bottom = power(least).floor() as i32;
        let top = (power(most).ceil() as i32).max(bottom + 1);
        let height_of = |value: f64| {
            let part = (power(value) - f64::from(bottom)) / f64::from(top - bottom);
            HEIGHT - part.clamp(0.0, 1.0) * HEIGHT
        };
        let lines = classes.into_iter().enumerate().map(|(which, class)| Line {
            class,
            path: path(values, |of| height_of(of[which])),
        });
        let levels = (bottom..=top).rev().map(|power| Level {
            power,
            y: number_of(height_of(10_f64.powi(power))),
        });
        Self {
            lines: lines.collect(),
            scale: levels.collect(),
            width: values.len() * STEP,
        }
    }
}

fn power(value: f64) -> f64 {
    // What is not measured at all has some place, too.
    value.clamp(1e-3, 1e9).log10()
}

fn path<T>(values: &[Option<T>], height_of: impl Fn(&T) -> f64) -> String {
    let mut path = String::new();
    let mut before = false;
    for (at, value) in values.iter().enumerate() {
        let after = values.get(at + 1).is_some_and(Option::is_some);
        if let Some(value) = value {
            let (x, y) = (at * STEP + STEP / 2, number_of(height_of(value)));
            path += &match (before, after) {
                (true, _) => format!("L{x} {y}"),
                (false, true) => format!("M{x} {y}"),
                // A value alone is a short line.
                (false, false) => format!("M{} {y}H{}", x - 3, x + 3),
            };
        }
        before = value.is_some();
    }
    path
}

/// With one digit behind the point, which is finer than anybody sees.
fn number_of(value: f64) -> String {
    format!("{value:.1}")
}

/// A number with its thousands apart: `12 345`, with narrow spaces that do not break.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len());
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A part of a whole: `97.5 %`; small parts are not rounded to nothing.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 || part == 0 {
        return "0\u{a0}%".to_owned();
    }
    let share = part as f64 / whole as f64 * 100.0;
    match share {
        _ if part == whole => "100\u{a0}%".to_owned(),
        ..0.1 => "less than 0.1\u{a0}%".to_owned(),
        99.9.. => "more than 99.9\u{a0}%".to_owned(),
        _ => format!("{share:.1}\u{a0}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_with_round_numbers() {
        for (most, half) in [
            (0, 1),
            (1, 1),
            (2, 1),
            (3, 2),
            (9, 5),
            (11, 10),
            (4001, 5000),
        ] {
            assert_eq!(half_of_scale(most), half, "{most}");
        }
        assert!(half_of_scale(u64::MAX) > 0);
    }

    #[test]
    fn parts_stand_on_top_of_each_other() {
        let bars = Bars::new(
            ["a", "b"],
            [([1, 3], String::new()), ([0, 0], String::new())],
        );
        assert_eq!(bars.scale, ["4", "2", "0"]);
        let places = |bar: &Bar| -> Vec<_> {
            let parts = bar.parts.iter();
            parts
                .map(|p| (p.class, p.y.clone(), p.height.clone()))
                .collect()
        };
        let first = [("a", "75.0", "25.0"), ("b", "0.0", "75.0")];
        assert_eq!(
            places(&bars.bars[0]),
            first.map(|(c, y, h)| (c, y.into(), h.into()))
        );
        assert!(bars.bars[1].parts.is_empty());
        assert_eq!(bars.width, 20);
    }

    #[test]
    fn lines_have_gaps_and_values_alone_are_seen() {
        let values = [Some([1.0]), Some([10.0]), None, Some([100.0])];
        let lines = Lines::new(["a"], &values);
        assert_eq!(lines.lines[0].path, "M5 100.0L15 50.0M32 0.0H38");
        let powers: Vec<_> = lines.scale.iter().map(|level| level.power).collect();
        assert_eq!(powers, [2, 1, 0]);
        let none = Lines::new(["a"], &[None::<[f64; 1]>]);
        assert!(none.lines[0].path.is_empty());
        let same = Lines::new(["a"], &[Some([10.0])]);
        assert_eq!(same.lines[0].path, "M2 100.0H8");
    }

    #[test]
    fn numbers_are_read_easily() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(percent(0, 0), "0\u{a0}%");
        assert_eq!(percent(1, 3), "33.3\u{a0}%");
        assert_eq!(percent(1, 100_000), "less than 0.1\u{a0}%");
        assert_eq!(percent(99_999, 100_000), "more than 99.9\u{a0}%");
        assert_eq!(percent(5, 5), "100\u{a0}%");
    }
}
