//! Event streams as the standard and real servers write them, cut at every place.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

use protocol::sse::{Broken, Limits, Parser};

/// The events of a stream that comes in these pieces, and the last id and retry.
fn read(pieces: &[&[u8]]) -> (Vec<(String, String)>, String, Option<u64>) {
    let mut parser = Parser::new(Limits::default());
    let mut seen = Vec::new();
    for piece in pieces {
        let mut at = 0;
        while let Some(event) = parser.next(piece, &mut at).unwrap() {
            let data = String::from_utf8(event.data.to_vec()).unwrap();
            seen.push((event.kind.to_owned(), data));
        }
        assert_eq!(at, piece.len());
    }
    (seen, parser.last_id().to_owned(), parser.retry_ms())
}

/// A stream, its events, its last id and its last retry.
type Known = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    Option<u64>,
);

const KNOWN: [Known; 14] = [
    ("data: one\n\n", &[("message", "one")], "", None),
    (
        "data: one\r\n\r\ndata: two\r\rdata: three\n\n",
        &[("message", "one"), ("message", "two"), ("message", "three")],
        "",
        None,
    ),
    (
        "\u{FEFF}data: behind a byte order mark\n\n",
        &[("message", "behind a byte order mark")],
        "",
        None,
    ),
    (
        "data: a\n\n\u{FEFF}data: only the first is a mark\n\n",
        &[("message", "a")],
        "",
        None,
    ),
    (
        ": a comment\n\n:\n\ndata: x\n: within\n\n",
        &[("message", "x")],
        "",
        None,
    ),
    (
        "data: YHOO\ndata: +2\r\ndata: 10\n\n",
        &[("message", "YHOO\n+2\n10")],
        "",
        None,
    ),
    (
        "data:no space\n\ndata:  two spaces\n\n",
        &[("message", "no space"), ("message", " two spaces")],
        "",
        None,
    ),
    (
        "event: endpoint\ndata: /m?s=1\n\ndata: next\n\n",
        &[("endpoint", "/m?s=1"), ("message", "next")],
        "",
        None,
    ),
    (
        "event: lost\n\ndata: kept\n\n",
        &[("message", "kept")],
        "",
        None,
    ),
    (
        "id: 0/0\nretry: 3000\ndata: \n\nid: 1/0\ndata: {}\n\n",
        &[("message", "{}")],
        "1/0",
        Some(3000),
    ),
    (
        "id: 7\n\nid: a\0b\nretry: 5x\ndata\n\nfoo: bar\ndata: x\n\n",
        &[("message", "x")],
        "7",
        None,
    ),
    (
        "id: 7\nid\nretry:12\ndata\ndata\n\n",
        &[("message", "\n")],
        "",
        Some(12),
    ),
    (
        "data: \u{65e5}\u{672c} \u{1f600}\nevent: \u{e9}\n\n",
        &[("\u{e9}", "\u{65e5}\u{672c} \u{1f600}")],
        "",
        None,
    ),
    (
        "data: whole\n\ndata: cut off\n",
        &[("message", "whole")],
        "",
        None,
    ),
];

#[test]
fn known_streams_give_known_events_however_they_are_cut() {
    for (stream, events, id, retry) in KNOWN {
        let owned = |(kind, data): &(&str, &str)| (kind.to_string(), data.to_string());
        let expected = (events.iter().map(owned).collect(), id.to_owned(), retry);
        let bytes = stream.as_bytes();
        assert_eq!(read(&[bytes]), expected, "{stream:?}");
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(read(&single), expected, "{stream:?} byte by byte");
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(
                    read(&pieces),
                    expected,
                    "{stream:?} cut at {first} and {second}"
                );
            }
        }
    }
}

#[test]
fn a_line_and_an_event_have_limits() {
    let limits = Limits {
        line_bytes: 10,
        event_bytes: 7,
    };
    let broken = |stream: &[u8], size: usize| {
        let mut parser = Parser::new(limits);
        stream
            .chunks(size)
            .find_map(|piece| parser.next(piece, &mut 0).err())
    };
    for size in [1, 3, 100] {
        assert_eq!(broken(b"data: 1234\n\n", size), None);
        assert_eq!(broken(b"data: 12345", size), Some(Broken::LineTooLong(10)));
        assert_eq!(
            broken(b": a comment too long", size),
            Some(Broken::LineTooLong(10))
        );
        // The line end between the two counts.
        assert_eq!(broken(b"data: 123\ndata: 456\n", size), None);
        assert_eq!(
            broken(b"data: 123\ndata: 4567\n", size),
            Some(Broken::EventTooLarge(7))
        );
    }
}

#[test]
fn a_reset_parser_knows_nothing_of_the_stream_before() {
    let mut parser = Parser::new(Limits::default());
    let piece = b"id: 1\nretry: 9\nevent: odd\ndata: half";
    assert_eq!(parser.next(piece, &mut 0), Ok(None));
    parser.reset();
    assert_eq!((parser.last_id(), parser.retry_ms()), ("", None));
    let event = parser
        .next(b"\xEF\xBB\xBFdata: x\n\n", &mut 0)
        .unwrap()
        .unwrap();
    assert_eq!((event.kind, event.data), ("message", &b"x"[..]));
}
