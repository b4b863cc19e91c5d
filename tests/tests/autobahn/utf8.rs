//! Section 6: texts. The sequences are those of RFC 3629 and its edges; which of them are UTF-8 is
//! asked of the standard library.

use jotgate_scenarios::Opcode;

use super::cases::{Case, fragments, pieces, text};

const KOSME: &[u8] = "κόσμε".as_bytes();
const HELLO: &[u8] = "Hello-µ@ßöäüàá-UTF-8!!".as_bytes();

pub(crate) fn all() -> Vec<Case> {
    let mut cases = valid();
    cases.extend(broken_texts());
    cases.extend(single_sequences());
    cases
}

/// 6.1, 6.2 and 6.5.
fn valid() -> Vec<Case> {
    let parts = |parts: [&'static [u8]; 3]| fragments(Opcode::Text, parts);
    let octets = |bytes: &'static [u8]| fragments(Opcode::Text, bytes.chunks(1));
    let halves = |at: usize| fragments(Opcode::Text, [&HELLO[..at], &HELLO[at..]]);
    vec![
        Case::good("6.1.1", [text("")]),
        Case::good("6.1.2", parts([b"", b"", b""])),
        Case::good("6.1.3", parts([b"", b"middle frame payload", b""])),
        Case::good("6.2.1", [text(HELLO)]),
        Case::good("6.2.2", halves("Hello-µ@ßöä".len())),
        Case::good("6.2.3", octets(HELLO)),
        Case::good("6.2.4", octets(KOSME)),
        Case::good("6.5.1", [text(HELLO)]).chopped(9),
        Case::good("6.5.2", halves(7)).chopped(1),
        Case::good("6.5.3", halves(8)),
    ]
}

/// 6.3 and 6.4: good text around a surrogate and around a number beyond the last character.
fn broken_texts() -> Vec<Case> {
    let mut cases = Vec::new();
    for (group, wrong) in [(3, &b"\xed\xa0\x80"[..]), (4, b"\xf4\x90\x80\x80")] {
        let all = [KOSME, wrong, b"edited"].concat();
        let parts = || fragments(Opcode::Text, [KOSME, wrong, b"edited"]);
        cases.push(Case::bad(
            format!("6.{group}.1"),
            pieces([text(&all)]),
            1007,
        ));
        let octets = fragments(Opcode::Text, all.chunks(1));
        cases.push(Case::bad(format!("6.{group}.2"), pieces(octets), 1007));
        cases.push(Case::bad(format!("6.{group}.3"), pieces(parts()), 1007));
        cases.push(Case::bad(format!("6.{group}.4"), pieces(parts()), 1007).chopped(1));
    }
    cases
}

/// 6.6 to 6.23: each sequence as a text of its own.
fn single_sequences() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut group = |number: u32, sequences: &[Vec<u8>]| {
        for (at, bytes) in (1..).zip(sequences) {
            let number = format!("6.{number}.{at}");
            cases.push(match std::str::from_utf8(bytes) {
                Ok(_) => Case::good(number, [text(bytes)]),
                Err(_) => Case::bad(number, pieces([text(bytes)]), 1007),
            });
        }
    };
    let of = |list: &[&[u8]]| list.iter().map(|bytes| bytes.to_vec()).collect::<Vec<_>>();
    let prefixes: Vec<_> = (1..=KOSME.len()).map(|end| KOSME[..end].to_vec()).collect();
    group(6, &prefixes);
    // The first and the last character of each length, and what five and six bytes would be.
    group(
        7,
        &of(&[b"\0", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]),
    );
    group(
        8,
        &of(&[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
    );
    group(
        9,
        &of(&[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]),
    );
    group(
        10,
        &of(&[
            b"\xf7\xbf\xbf\xbf",
            b"\xfb\xbf\xbf\xbf\xbf",
            b"\xfd\xbf\xbf\xbf\xbf\xbf",
        ]),
    );
    group(
        11,
        &of(&[
            b"\xed\x9f\xbf",
            b"\xee\x80\x80",
            b"\xef\xbf\xbd",
            b"\xf4\x8f\xbf\xbf",
            b"\xf4\x90\x80\x80",
        ]),
    );
    // Continuation bytes without a beginning, and beginnings without continuation.
    let lonely = (0..6).map(|more| [&[0x80, 0xbf][..], &vec![0x80; more]].concat());
    group(
        12,
        &of(&[b"\x80", b"\xbf"])
            .into_iter()
            .chain(lonely)
            .collect::<Vec<_>>(),
    );
    let starts = [
        0xc0..=0xdf_u8,
        0xe0..=0xef,
        0xf0..=0xf7,
        0xf8..=0xfb,
        0xfc..=0xfd,
    ];
    let followed_by_blanks = starts.map(|range| range.flat_map(|b| [b, b' ']).collect());
    group(13, &followed_by_blanks);
    let cut: [&[u8]; 10] = [
        b"\xc0",
        b"\xe0\x80",
        b"\xf0\x80\x80",
        b"\xf8\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80",
        b"\xdf",
        b"\xef\xbf",
        b"\xf7\xbf\xbf",
        b"\xfb\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf",
    ];
    group(14, &of(&cut));
    group(15, &[cut.concat()]);
    group(16, &of(&[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]));
    // More bytes than needed, and surrogates alone and in pairs.
    let overlong = |last: u8, rest: &[u8]| {
        let one = [&[0xc0 | rest[0]], &[last][..]].concat();
        let longer = [0xe0, 0xf0, 0xf8, 0xfc]
            .iter()
            .zip(1..)
            .map(|(start, zeros)| [&[*start][..], &vec![rest[1]; zeros], &[last]].concat());
        std::iter::once(one).chain(longer).collect::<Vec<_>>()
    };
    group(17, &overlong(0xaf, &[0, 0x80]));
    group(
        18,
        &of(&[
            b"\xc1\xbf",
            b"\xe0\x9f\xbf",
            b"\xf0\x8f\xbf\xbf",
            b"\xf8\x87\xbf\xbf\xbf",
            b"\xfc\x83\xbf\xbf\xbf\xbf",
        ]),
    );
    group(19, &overlong(0x80, &[0, 0x80]));
    let halves: [&[u8]; 7] = [
        b"\xed\xa0\x80",
        b"\xed\xad\xbf",
        b"\xed\xae\x80",
        b"\xed\xaf\xbf",
        b"\xed\xb0\x80",
        b"\xed\xbe\x80",
        b"\xed\xbf\xbf",
    ];
    group(20, &of(&halves));
    let pairs = halves[..4]
        .iter()
        .flat_map(|high| [4, 6].map(|low| [*high, halves[low]].concat()));
    group(21, &pairs.collect::<Vec<_>>());
    // Characters that are none, but are valid: the last two of each of the 17 planes.
    let ends = (0..=16_u32).flat_map(|plane| [0xfffe, 0xffff].map(|end| plane << 16 | end));
    let characters = ends.filter_map(char::from_u32);
    group(
        22,
        &characters
            .map(|c| c.to_string().into_bytes())
            .collect::<Vec<_>>(),
    );
    let replacing: Vec<_> = ('\u{fff9}'..='\u{ffff}')
        .map(|c| c.to_string().into_bytes())
        .collect();
    group(23, &replacing);
    cases
}
