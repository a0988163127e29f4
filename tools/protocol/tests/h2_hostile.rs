//! Whatever bytes a server sends over HTTP/2, the reader gives frames or refuses them: no panic, no memory beyond limits,
//! and the same however the bytes are cut.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

mod fuzz;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use protocol::h2::{Answer, Reader, Streams};
use protocol::http::Limits;

const LIMITS: Limits = Limits {
    head_bytes: 256,
    body_bytes: 64,
};

/// What a reader makes of the pieces, as text, up to where it refuses them.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let (mut reader, mut streams) = (Reader::default(), Streams::new(false));
    let mut answer = Answer::new(LIMITS);
    let mut out = Vec::new();
    streams
        .open(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", &mut out)
        .unwrap();
    let mut seen = Vec::new();
    for piece in pieces {
        let mut at = 0;
        loop {
            match reader.next(piece, &mut at) {
                Ok(None) => break,
                Err(broken) => {
                    seen.push(format!("{broken}"));
                    return seen;
                }
                Ok(Some(frame)) => {
                    use protocol::h2::Frame;
                    seen.push(match &frame {
                        Frame::Headers {
                            stream,
                            fields,
                            bytes,
                            end,
                        } => {
                            let list: Vec<_> = fields.iter().collect();
                            assert!(list.len() <= 2_048, "{}", list.len());
                            format!("{stream} {list:?} {bytes} {end}")
                        }
                        other => format!("{other:?}"),
                    });
                    let result = match frame {
                        Frame::Headers { fields, .. } => {
                            let _ = answer.headers(fields);
                            Ok(())
                        }
                        Frame::Data {
                            stream,
                            data,
                            window,
                            end,
                        } => {
                            let mut at = 0;
                            while let Ok(Some(_)) = answer.next(data, &mut at, end) {}
                            streams.received(stream, window, &mut out)
                        }
                        Frame::Settings(settings) => streams.apply(settings, &mut out),
                        Frame::Window { stream, by } => streams.widen(stream, by),
                        Frame::Reset { stream, .. } => streams.owner(stream).map(drop),
                        Frame::Ping(_) | Frame::GoAway { .. } => Ok(()),
                    };
                    if let Err(broken) = result {
                        seen.push(format!("{broken}"));
                        return seen;
                    }
                }
            }
        }
    }
    seen
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    [&[a, b, c, kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

/// A conversation with all kinds of frames.
fn sane() -> Vec<u8> {
    [
        frame(4, 0, 0, &[0, 3, 0, 0, 0, 100, 0, 1, 0, 0, 16, 0]),
        frame(4, 1, 0, &[]),
        frame(8, 0, 0, &[0, 1, 0, 0]),
        // A status, and a header in Huffman's code that is to be remembered.
        frame(
            1,
            4,
            1,
            b"\x88\x0f\x10\x10application/json\x58\x86\xa8\xeb\x10\x64\x9c\xbf",
        ),
        frame(0, 8, 1, b"\x02{}\0\0"),
        frame(6, 0, 0, b"12345678"),
        frame(0, 1, 1, b"{}"),
        frame(1, 1, 1, b"\x88"),
        frame(9, 4, 1, b"\xbe"),
        frame(3, 0, 1, &[0, 0, 0, 8]),
        frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]),
    ]
    .concat()
}

#[test]
fn a_sane_conversation_is_read_whole() {
    let seen = read([&sane()[..]]);
    assert_eq!(seen.len(), 9, "{seen:#?}");
    assert!(
        seen[2].contains("110, 111, 45, 99, 97, 99, 104, 101"),
        "no-cache: {}",
        seen[2]
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: fuzz::cases(4096), rng_seed: RngSeed::Fixed(3), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn mutated_conversations_read_alike_however_cut(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, any::<u8>()), 0..6),
        size in 1_usize..40,
    ) {
        let mut bytes = sane();
        for (at, change, byte) in changes {
            let at = at.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {
                    let stretch = bytes[at..(at + 40).min(bytes.len())].to_vec();
                    bytes.splice(at..at, stretch);
                }
            }
        }
        prop_assert_eq!(read([&bytes[..]]), read(bytes.chunks(size)));
    }

    #[test]
    fn random_header_blocks_are_decoded_or_refused(
        blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5),
    ) {
        let mut bytes = frame(4, 0, 0, &[]);
        for block in &blocks {
            bytes.extend(frame(1, 4, 1, block));
        }
        let seen = read([&bytes[..]]);
        prop_assert!(!seen.is_empty());
    }
}
