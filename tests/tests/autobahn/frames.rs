//! Sections 1 to 5: framing, pings and pongs, reserved bits, opcodes, fragmentation.

use jotgate_scenarios::{Frame, Opcode};

use super::cases::{Case, binary, fragments, marked, pieces, ping, pong, text};

pub(crate) fn all() -> Vec<Case> {
    [whole(), pings(), reserved(), fragmented(), out_of_order()]
        .into_iter()
        .flatten()
        .collect()
}

/// 1: messages of all sizes.
fn whole() -> Vec<Case> {
    const SIZES: [usize; 7] = [0, 125, 126, 127, 128, 65_535, 65_536];
    let mut cases = Vec::new();
    for (at, size) in (1..).zip(SIZES) {
        let letters = vec![b'*'; size];
        cases.push(Case::good(format!("1.1.{at}"), [text(&letters)]));
        cases.push(Case::good(format!("1.2.{at}"), [binary(vec![0xfe; size])]));
    }
    cases.push(Case::good("1.1.8", [text(vec![b'*'; 65_536])]).chopped(997));
    cases.push(Case::good("1.2.8", [binary(vec![0xfe; 65_536])]).chopped(997));
    cases
}

/// 2: pings and pongs.
fn pings() -> Vec<Case> {
    let odd = [0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff];
    let ten = || (0..10).map(|number| ping(format!("payload-{number}")));
    vec![
        Case::good("2.1", [ping("")]),
        Case::good("2.2", [ping("Hello, world!")]),
        Case::good("2.3", [ping(odd)]),
        Case::good("2.4", [ping([0xfe; 125])]),
        Case::bad("2.5", pieces([ping([0xfe; 126])]), 1002),
        Case::good("2.6", [ping([0xfe; 125])]).chopped(1),
        Case::good("2.7", [pong("")]),
        Case::good("2.8", [pong("unsolicited pong payload")]),
        Case::good("2.9", [pong("unsolicited"), ping("ping payload")]),
        Case::good("2.10", ten()),
        Case::good("2.11", ten()).chopped(1),
    ]
}

/// 3 and 4: bits and opcodes that nobody has given a meaning.
fn reserved() -> Vec<Case> {
    let hello = text("Hello, world!");
    let after_a_text = |bits: u8| {
        let frames = [hello.masked(), marked(&hello, bits), ping("").masked()];
        frames.into_iter()
    };
    let mut cases = vec![
        Case::bad("3.1", [marked(&hello, 0x10)], 1002),
        Case::bad("3.2", after_a_text(0x20), 1002),
        Case::bad("3.3", after_a_text(0x30), 1002).chopped(64),
        Case::bad("3.4", after_a_text(0x40), 1002).chopped(1),
        Case::bad("3.5", [marked(&binary([0; 8]), 0x50)], 1002),
        Case::bad("3.6", [marked(&ping("Hello, world!"), 0x60)], 1002),
        Case::bad("3.7", [marked(&Frame::close(1000, ""), 0x70)], 1002),
    ];
    for (group, first) in [(1, 3_u8), (2, 11)] {
        for number in 1..=5 {
            let mut odd = hello.masked();
            odd[0] = 0x80 | (first + number - 1);
            let frames = [hello.masked(), odd, ping("").masked()];
            cases.push(Case::bad(format!("4.{group}.{number}"), frames, 1002));
        }
    }
    cases
}

/// 5.1 to 5.8, 5.19 and 5.20: messages in fragments.
fn fragmented() -> Vec<Case> {
    let two = || fragments(Opcode::Text, [&b"fragment1"[..], b"fragment2"]);
    let split = |opcode| pieces(fragments(opcode, [&b"fragment1"[..], b"fragment2"]));
    let with_a_ping = || {
        let mut frames = two();
        frames.insert(1, ping("ping payload"));
        frames
    };
    let five = || {
        let parts: [&[u8]; 5] = [
            b"fragment1",
            b"fragment2",
            b"fragment3",
            b"fragment4",
            b"fragment5",
        ];
        let mut frames = fragments(Opcode::Text, parts);
        frames.insert(2, ping("pongme 1!"));
        frames.insert(5, ping("pongme 2!"));
        frames
    };
    vec![
        Case::bad("5.1", split(Opcode::Ping), 1002),
        Case::bad("5.2", split(Opcode::Pong), 1002),
        Case::good("5.3", two()),
        Case::good("5.4", two()).chopped(7),
        Case::good("5.5", two()).chopped(1),
        Case::good("5.6", with_a_ping()),
        Case::good("5.7", with_a_ping()).chopped(7),
        Case::good("5.8", with_a_ping()).chopped(1),
        Case::good("5.19", five()),
        Case::good("5.20", five()).chopped(1),
    ]
}

/// 5.9 to 5.18: continuations of nothing, and a message in the middle of another.
fn out_of_order() -> Vec<Case> {
    let lost = |last| Frame::new(last, Opcode::Continuation, b"non-continuation payload");
    let mut cases = Vec::new();
    for (number, last) in [(9, true), (12, false)] {
        let frames = || pieces([lost(last), text("Hello, world!")]);
        cases.push(Case::bad(format!("5.{number}"), frames(), 1002));
        cases.push(Case::bad(format!("5.{}", number + 1), frames(), 1002).chopped(9));
        cases.push(Case::bad(format!("5.{}", number + 2), frames(), 1002).chopped(1));
    }
    let whole = fragments(Opcode::Text, [&b"fragment1"[..], b"fragment2"]);
    let behind = [lost(false), text("Hello, world!")];
    cases.push(Case::bad(
        "5.15",
        pieces(whole.into_iter().chain(behind)),
        1002,
    ));
    for (number, last) in [(16, false), (17, true)] {
        let start = Frame::new(false, Opcode::Text, b"fragment1");
        let end = Frame::new(true, Opcode::Continuation, b"fragment2");
        let frames = [
            lost(last),
            start.clone(),
            end.clone(),
            lost(last),
            start,
            end,
        ];
        cases.push(Case::bad(format!("5.{number}"), pieces(frames), 1002));
    }
    let twice = [
        Frame::new(false, Opcode::Text, b"fragment1"),
        Frame::new(true, Opcode::Text, b"fragment2"),
    ];
    cases.push(Case::bad("5.18", pieces(twice), 1002));
    cases
}
