//! A hostile server can break an answer, never the reader: no panic, no memory beyond the limits.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

mod replies;

mod fuzz;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use protocol::http::{Event, Limits, Reply};
use protocol::sse;
use replies::{Seen, known_answers, read_pieces};

const SMALL: Limits = Limits {
    head_bytes: 256,
    body_bytes: 64,
};

fn check_limits(seen: &[Seen]) {
    for seen in seen {
        if let Seen::Message(text) | Seen::Named(_, text) = seen {
            assert!(!text.is_empty());
            // Each invalid byte is three in the text.
            assert!(text.len() <= 3 * SMALL.body_bytes, "{} bytes", text.len());
        }
    }
}

/// The stream without its broken end: how the bytes are cut may decide which of several faults of a head
/// is met first, but never what is read before.
fn events(seen: &[Seen]) -> &[Seen] {
    match seen {
        [events @ .., Seen::Broken(_)] => events,
        events => events,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: fuzz::cases(4096), rng_seed: RngSeed::Fixed(2), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn mutated_answers_break_no_limit_and_read_alike_however_cut(
        pick in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, any::<u8>()), 1..6),
        size in 1_usize..40,
    ) {
        let known = known_answers();
        let mut bytes = pick.get(&known).bytes.clone();
        for (at, change, byte) in changes {
            let at = at.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => drop(bytes.remove(at)),
                // A repeated stretch makes headers and chunks come twice.
                _ => {
                    let stretch = bytes[at..(at + 40).min(bytes.len())].to_vec();
                    bytes.splice(at..at, stretch);
                }
            }
        }
        let whole = read_pieces(SMALL, [&bytes[..]]);
        check_limits(&whole);
        let cut = read_pieces(SMALL, bytes.chunks(size));
        prop_assert_eq!(events(&whole), events(&cut));
        prop_assert_eq!(whole.len(), cut.len(), "both break or neither");
    }

    #[test]
    fn random_bytes_break_no_limit(
        begin in prop::sample::select(vec![
            "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n",
        ]),
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\r\n:; 0aFdt".to_vec())], 0..400),
        size in 1_usize..40,
    ) {
        let bytes = [begin.as_bytes(), &bytes].concat();
        let whole = read_pieces(SMALL, [&bytes[..]]);
        check_limits(&whole);
        let cut = read_pieces(SMALL, bytes.chunks(size));
        prop_assert_eq!(events(&whole), events(&cut));
        prop_assert_eq!(whole.len(), cut.len(), "both break or neither");
    }

    #[test]
    fn random_event_streams_read_alike_however_cut(
        bytes in prop::collection::vec(
            prop::sample::select(b"\r\n\n\r\n: daataeventidretry03\0\xEF\xBB\xBF\xE6\x97".to_vec()), 0..300),
        size in 1_usize..30,
    ) {
        let limits = sse::Limits { line_bytes: 20, event_bytes: 30 };
        let read = |size: usize| {
            let (mut parser, mut seen) = (sse::Parser::new(limits), Vec::new());
            for piece in bytes.chunks(size) {
                let mut at = 0;
                loop {
                    match parser.next(piece, &mut at) {
                        Ok(Some(event)) => {
                            assert!(!event.data.is_empty() && event.data.len() <= 30);
                            seen.push(Ok((event.kind.to_owned(), event.data.to_vec())));
                        }
                        Ok(None) => break,
                        Err(broken) => {
                            seen.push(Err(broken));
                            return (seen, None);
                        }
                    }
                }
            }
            (seen, Some((parser.last_id().to_owned(), parser.retry_ms())))
        };
        prop_assert_eq!(read(bytes.len().max(1)), read(size));
    }
}

#[test]
fn an_endless_head_or_line_or_chunk_extension_is_cut_off() {
    let begins = [
        "HTTP/1.1 200 OK\r\nA: ",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nA: ",
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nid: ",
    ];
    for begin in begins {
        let mut reply = Reply::new(SMALL);
        let mut fed = 0;
        let mut piece = begin.as_bytes();
        let broken = loop {
            let mut at = 0;
            match reply.next(piece, &mut at) {
                Ok(Some(Event::Head(_))) => piece = &piece[at..],
                Ok(Some(event)) => panic!("{event:?}"),
                Ok(None) => piece = &[b'a'; 100],
                Err(broken) => break broken,
            }
            fed += 1;
            assert!(fed < 1000, "{begin:?} may go on for ever");
        };
        assert!(!broken.to_string().is_empty());
    }
}
