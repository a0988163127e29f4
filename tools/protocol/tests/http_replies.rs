//! Answers as real servers send them give known events, however their bytes are cut.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

mod replies;

mod fuzz;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use protocol::http::{Content, Event, Limits, Reply};
use replies::{Seen, end, head, known_answers, message, read_pieces, read_whole};

#[test]
fn known_answers_give_known_events() {
    for known in known_answers() {
        assert_eq!(read_whole(&known.bytes), known.seen, "{}", known.name);
    }
}

#[test]
fn one_cut_anywhere_changes_nothing() {
    for known in known_answers() {
        for cut in 0..=known.bytes.len() {
            let (first, second) = known.bytes.split_at(cut);
            let seen = read_pieces(Limits::default(), [first, second]);
            assert_eq!(seen, known.seen, "{} cut at {cut}", known.name);
        }
    }
}

#[test]
fn single_bytes_change_nothing() {
    for known in known_answers() {
        let seen = read_pieces(Limits::default(), known.bytes.chunks(1));
        assert_eq!(seen, known.seen, "{}", known.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: fuzz::cases(512), rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn many_answers_cut_anywhere_give_the_same_events(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        pieces in prop::collection::vec(1_usize..200, 1..40),
    ) {
        let known = known_answers();
        let kept: Vec<_> = known.iter().filter(|k| k.seen.last() == Some(&end(true))).collect();
        let picked = picks.iter().map(|pick| *pick.get(&kept));
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for known in picked {
            bytes.extend_from_slice(&known.bytes);
            expected.extend(known.seen.iter().cloned());
        }
        let mut rest = &bytes[..];
        let mut sizes = pieces.iter().cycle();
        let cut = std::iter::from_fn(|| {
            let length = (*sizes.next()?).min(rest.len());
            let piece = rest.split_off(..length)?;
            (!piece.is_empty()).then_some(piece)
        });
        prop_assert_eq!(read_pieces(Limits::default(), cut), expected);
    }
}

/// What cannot be read without guessing, and the class of the refusal.
const REFUSED: [(&str, &str); 20] = [
    ("SSH-2.0-OpenSSH_9.6\r\n", "NotHttp"),
    ("\x15\x03\x01\x00\x02\x02\x46", "NotHttp"),
    ("HTTP/2.0 200 OK\r\n\r\n", "NotHttp"),
    ("HTTP/1.1 99 Low\r\n\r\n", "NotHttp"),
    ("HTTP/1.1 099 Low\r\n\r\n", "NotHttp"),
    ("HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "BadHeader"),
    ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "BadHeader"),
    ("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n", "BadHeader"),
    ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "UnaskedUpgrade"),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        "TwoLengths",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        "BadLength",
    ),
    ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n", "BadLength"),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "BadLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "TransferCoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n",
        "ContentCoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "BadChunkSize",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
        "BadChunkSize",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naXX",
        "BadChunkEnd",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\nC",
        "BadTrailer",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "EndedInBody",
    ),
];

#[test]
fn what_is_no_clear_answer_is_refused_in_words_however_it_is_cut() {
    for (bytes, class) in REFUSED {
        for seen in [
            read_whole(bytes.as_bytes()),
            read_pieces(Limits::default(), bytes.as_bytes().chunks(1)),
        ] {
            match seen.last() {
                Some(Seen::Broken(broken)) => assert!(
                    // Bytes that come one by one may be told to be wrong only at the end.
                    broken.starts_with(class) || broken == "EndedInHead",
                    "{bytes:?} gave {broken}"
                ),
                other => panic!("{bytes:?} gave {other:?}"),
            }
        }
        let whole = read_whole(bytes.as_bytes());
        assert!(
            matches!(whole.last(), Some(Seen::Broken(broken)) if broken.starts_with(class)),
            "{bytes:?} gave {whole:?}"
        );
    }
}

#[test]
fn an_end_between_answers_is_none_and_an_end_within_is_told() {
    assert_eq!(read_whole(b""), []);
    assert_eq!(
        read_whole(b"HTTP/1.1 200"),
        [Seen::Broken("EndedInHead".into())]
    );
    let cut = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n";
    assert_eq!(
        read_whole(cut),
        [
            head(200, Content::EventStream),
            Seen::Broken("EndedInBody".into())
        ]
    );
}

#[test]
fn a_message_that_is_whole_in_the_input_is_not_copied() {
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"id\":1}",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"id\":1}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\nevent: message\ndata: {\"id\":1}\n\n\r\n0\r\n\r\n",
    ];
    for bytes in answers {
        let (mut reply, mut at) = (Reply::new(Limits::default()), 0);
        let input = bytes.as_bytes();
        assert!(matches!(
            reply.next(input, &mut at),
            Ok(Some(Event::Head(_)))
        ));
        let Ok(Some(Event::Message(found))) = reply.next(input, &mut at) else {
            panic!("no message in {bytes}");
        };
        assert_eq!(found, b"{\"id\":1}");
        assert!(input.as_ptr_range().contains(&found.as_ptr()), "{bytes}");
    }
}

#[test]
fn the_head_says_what_mcp_needs() {
    let input = b"HTTP/1.1 503 Busy\r\nMCP-SESSION-ID: s-1\r\nRetry-After: 7\r\nLocation: /x\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\nmcp-session-id: a b\r\ncontent-length: 0\r\n\r\n";
    let (mut reply, mut at) = (Reply::new(Limits::default()), 0);
    assert!(reply.is_idle());
    let Ok(Some(Event::Head(head))) = reply.next(input, &mut at) else {
        panic!("no head");
    };
    assert_eq!((head.status, head.retry_after_s), (503, Some(7)));
    assert_eq!(head.session.as_deref(), Some("s-1"));
    assert_eq!(head.location.as_deref(), Some("/x"));
    assert!(!reply.is_idle());
    assert_eq!(
        reply.next(input, &mut at),
        Ok(Some(Event::End { reusable: true }))
    );
    assert!(reply.is_idle());
    assert!(matches!(
        reply.next(input, &mut at),
        Ok(Some(Event::Head(_)))
    ));
    // A session that could not be sent back is none, and none of the last answer's facts linger.
    assert_eq!(
        (&reply.head().session, &reply.head().location),
        (&None, &None)
    );
}

#[test]
fn limits_hold_and_name_themselves() {
    let limits = Limits {
        head_bytes: 100,
        body_bytes: 10,
    };
    let long_head = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "b".repeat(100));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(129));
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let broken = |bytes: &str, limits| match read_pieces(limits, [bytes.as_bytes()]).pop() {
        Some(Seen::Broken(broken)) => broken,
        other => panic!("{other:?}"),
    };
    assert_eq!(broken(&long_head, limits), "HeadTooLarge(100)");
    assert_eq!(broken(&many, Limits::default()), "TooManyHeaders(128)");
    for body in [
        "content-length: 11\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nb\r\n12345678901\r\n",
        "\r\n12345678901",
    ] {
        assert_eq!(broken(&format!("{json}{body}"), limits), "BodyTooLarge(10)");
    }
    let events = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let found = broken(&format!("{events}data: 12345678901\n\n"), limits);
    assert_eq!(found, "EventStream(LineTooLong(16))");
    // A stream of many small events is no body of many bytes.
    let small = format!("{events}{}", "data: 1\n\n".repeat(100));
    let seen = read_pieces(limits, [small.as_bytes()]);
    assert_eq!(
        seen.iter().filter(|seen| **seen == message("1")).count(),
        100
    );
}

#[test]
fn an_event_stream_leaves_nothing_to_the_next_answer() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    let first = "id: 4\nretry: 50\nevent: odd\ndata: half";
    let answers = format!(
        "{head}content-length: {}\r\n\r\n{first}{head}content-length: 9\r\n\r\ndata: 2\n\n",
        first.len()
    );
    let (mut reply, mut at) = (Reply::new(Limits::default()), 0);
    let input = answers.as_bytes();
    assert!(matches!(
        reply.next(input, &mut at),
        Ok(Some(Event::Head(_)))
    ));
    assert_eq!(
        reply.next(input, &mut at),
        Ok(Some(Event::End { reusable: true }))
    );
    assert_eq!((reply.last_event_id(), reply.retry_ms()), ("4", Some(50)));
    assert!(matches!(
        reply.next(input, &mut at),
        Ok(Some(Event::Head(_)))
    ));
    assert_eq!((reply.last_event_id(), reply.retry_ms()), ("", None));
    assert_eq!(reply.next(input, &mut at), Ok(Some(Event::Message(b"2"))));
}
