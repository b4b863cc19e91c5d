//! Sections 7, 9 and 10: the closing handshake, large messages, and many fragments.

use jotgate_scenarios::{Frame, Opcode};

use super::cases::{Case, Outcome, binary, fragments, pieces, ping, text};

pub(crate) fn all() -> Vec<Case> {
    [handshakes(), statuses(), large(), many()]
        .into_iter()
        .flatten()
        .collect()
}

/// 7.1, 7.3 and 7.5.
fn handshakes() -> Vec<Case> {
    let close = || Frame::close(1000, "");
    let with = |payload: &[u8]| Frame::new(true, Opcode::Close, payload);
    let ended =
        |number: &str, frames: Vec<Frame>, outcome| Case::new(number, pieces(frames), outcome);
    let cut = [
        Frame::new(false, Opcode::Text, b"fragment1"),
        close(),
        Frame::new(true, Opcode::Continuation, b"fragment2"),
    ];
    let long = || text(vec![b'B'; 256 << 10]);
    let good = Outcome::Closes(1000);
    let wrong_text = [&1000_u16.to_be_bytes()[..], b"\xce\xba\xed\xa0\x80"].concat();
    vec![
        ended("7.1.1", vec![text("Hello World!"), close()], good),
        ended("7.1.2", vec![close(), close()], good),
        ended("7.1.3", vec![close(), ping("")], good),
        ended("7.1.4", vec![close(), text("Hello World!")], good),
        ended("7.1.5", cut.to_vec(), good),
        ended(
            "7.1.6",
            vec![long(), text("Hello World!"), close(), ping("")],
            good,
        ),
        ended("7.3.1", vec![with(b"")], Outcome::Ends),
        ended("7.3.2", vec![with(b"a")], Outcome::Closes(1002)),
        ended("7.3.3", vec![close()], good),
        ended("7.3.4", vec![Frame::close(1000, "Hello World!")], good),
        ended("7.3.5", vec![Frame::close(1000, &"*".repeat(123))], good),
        ended(
            "7.3.6",
            vec![Frame::close(1000, &"*".repeat(124))],
            Outcome::Closes(1002),
        ),
        ended("7.5.1", vec![with(&wrong_text)], Outcome::Closes(1007)),
    ]
}

/// 7.7, 7.9 and 7.13: each status by itself.
fn statuses() -> Vec<Case> {
    const GOOD: [u16; 13] = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
    ];
    const BAD: [u16; 9] = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
    let case = |group: u32, at: u32, code: u16, outcome| {
        let bytes = pieces([Frame::close(code, "")]);
        Case::new(format!("7.{group}.{at}"), bytes, outcome)
    };
    let good = (1..)
        .zip(GOOD)
        .map(|(at, code)| case(7, at, code, Outcome::Closes(code)));
    let bad = (1..)
        .zip(BAD)
        .map(|(at, code)| case(9, at, code, Outcome::Closes(1002)));
    let open = (1..)
        .zip([5000, 65_535])
        .map(|(at, code)| case(13, at, code, Outcome::Ends));
    good.chain(bad).chain(open).collect()
}

/// 9: large messages, whole, in fragments, and in small pieces.
fn large() -> Vec<Case> {
    const KIB: usize = 1 << 10;
    let mut cases = Vec::new();
    for (at, size) in (1..).zip([64 * KIB, 256 * KIB, KIB * KIB]) {
        cases.push(Case::good(format!("9.1.{at}"), [text(vec![b'*'; size])]));
        cases.push(Case::good(format!("9.2.{at}"), [binary(vec![0xfe; size])]));
    }
    let megabyte = vec![b'*'; KIB * KIB];
    for (at, size) in (3..).zip([KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB]) {
        let parts = |opcode| fragments(opcode, megabyte.chunks(size));
        cases.push(Case::good(format!("9.3.{at}"), parts(Opcode::Text)));
        cases.push(Case::good(format!("9.4.{at}"), parts(Opcode::Binary)));
    }
    for (at, size) in (4..).zip([512, KIB, 2 * KIB]) {
        cases.push(Case::good(format!("9.5.{at}"), [text(&megabyte)]).chopped(size));
        cases.push(Case::good(format!("9.6.{at}"), [binary(&megabyte)]).chopped(size));
    }
    cases
}

/// 9.7, 9.8 and 10.1: many messages, and many fragments.
fn many() -> Vec<Case> {
    let mut cases = Vec::new();
    for (at, size) in (1..).zip([0, 16, 64, 256]) {
        let messages = |frame: Frame| std::iter::repeat_n(frame, 1000);
        cases.push(Case::good(
            format!("9.7.{at}"),
            messages(text(vec![b'*'; size])),
        ));
        cases.push(Case::good(
            format!("9.8.{at}"),
            messages(binary(vec![0xfe; size])),
        ));
    }
    let whole = vec![b'*'; 65_536];
    let parts = fragments(Opcode::Text, whole.chunks(1300));
    cases.push(Case::good("10.1.1", parts));
    cases
}
