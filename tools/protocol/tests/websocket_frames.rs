//! Frames are read as tungstenite reads them, and what we write, tungstenite reads back.
//!
//! Deliberate differences, each refused here and taken by tungstenite: binary messages (MCP is text),
//! lengths in more bytes than they need (RFC 6455 5.2 says "MUST"). And one the other way round: a close
//! frame with a code that may not be sent is told as it is here, where tungstenite puts 1002 in its place.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

mod fuzz;

use std::io::{self, Cursor, Read, Write};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use protocol::ws::{
    Frame, FrameReader, Limits, WsBroken, write_close, write_ping, write_pong, write_text,
};
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

const LIMIT: usize = 70_000;

/// A stream to read from, whose writes go nowhere.
struct ReadOnly(Cursor<Vec<u8>>);

impl Read for ReadOnly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for ReadOnly {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Text(String),
    Binary,
    Ping(Vec<u8>),
    Pong,
    Close(Option<(u16, String)>),
    Broken,
}

fn by_tungstenite(bytes: &[u8], role: Role) -> Vec<Seen> {
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(LIMIT);
    config.max_frame_size = Some(LIMIT);
    let stream = ReadOnly(Cursor::new(bytes.to_vec()));
    let mut socket = WebSocket::from_raw_socket(stream, role, Some(config));
    let mut seen = Vec::new();
    loop {
        seen.push(match socket.read() {
            Ok(Message::Text(text)) => Seen::Text(text.as_str().to_owned()),
            Ok(Message::Binary(_)) => Seen::Binary,
            Ok(Message::Ping(payload)) => Seen::Ping(payload.to_vec()),
            Ok(Message::Pong(_)) => Seen::Pong,
            Ok(Message::Close(close)) => {
                seen.push(Seen::Close(
                    close.map(|c| (c.code.into(), c.reason.as_str().to_owned())),
                ));
                return seen;
            }
            Ok(Message::Frame(_)) => unreachable!("read() never gives raw frames"),
            // The end of the stream without a close frame; a server role closes by itself.
            Err(
                Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)
                | Error::ConnectionClosed,
            ) => return seen,
            Err(_) => {
                seen.push(Seen::Broken);
                return seen;
            }
        });
    }
}

fn by_us(bytes: &[u8], sizes: &[usize]) -> (Vec<Seen>, Option<WsBroken>) {
    let mut reader = FrameReader::new(Limits {
        message_bytes: LIMIT,
    });
    let (mut seen, mut rest) = (Vec::new(), bytes);
    for size in sizes.iter().cycle() {
        let Some(piece) = rest
            .split_off(..(*size).min(rest.len()))
            .filter(|p| !p.is_empty())
        else {
            break;
        };
        // Memory of its own for each piece, drained as it is taken.
        let mut buffer = piece.to_vec();
        loop {
            let mut at = 0;
            let own = match reader.next(&buffer, &mut at) {
                Ok(None) => break,
                Ok(Some(Frame::Message(text))) => {
                    Seen::Text(String::from_utf8(text.to_vec()).unwrap())
                }
                Ok(Some(Frame::Ping(payload))) => Seen::Ping(payload.to_vec()),
                Ok(Some(Frame::Pong)) => Seen::Pong,
                Ok(Some(Frame::Close(code, reason))) => {
                    seen.push(Seen::Close(code.map(|code| (code, reason.to_owned()))));
                    return (seen, None);
                }
                Err(broken) => {
                    assert_eq!(
                        reader.next(b"", &mut 0),
                        Err(broken.clone()),
                        "it stays broken"
                    );
                    seen.push(Seen::Broken);
                    return (seen, Some(broken));
                }
            };
            seen.push(own);
            buffer.drain(..at);
        }
    }
    (seen, None)
}

/// Whether `theirs` begins with `ours`, but for the codes that tungstenite does not pass on.
fn begins_alike(theirs: &[Seen], ours: &[Seen]) -> bool {
    theirs.len() >= ours.len()
        && ours.iter().zip(theirs).all(|pair| match pair {
            (Seen::Close(Some(ours)), Seen::Close(Some(theirs))) => {
                ours == theirs || *theirs == (1002, "Protocol violation".to_owned())
            }
            (ours, theirs) => ours == theirs,
        })
}

/// A frame as a server would send it, or nearly.
fn frame(first: u8, length_form: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask_bit = if masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match (length_form, payload.len()) {
        // The forms that are too long for their length.
        (1, length @ ..=125) => {
            bytes.push(mask_bit | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        (2, length @ ..=65_535) | (_, length @ 65_536..) => {
            bytes.push(mask_bit | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
        (_, length @ 126..) => {
            bytes.push(mask_bit | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        (_, length) => bytes.push(mask_bit | length as u8),
    }
    if masked {
        bytes.extend_from_slice(&[0; 4]);
    }
    bytes.extend_from_slice(payload);
    bytes
}

fn any_text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::collection::vec(any::<char>(), 0..50).prop_map(|text| String::from_iter(text).into_bytes()),
        2 => (120_usize..140).prop_map(|length| vec![b'x'; length]),
        1 => prop::sample::select(vec![65_535_usize, 65_536, LIMIT, LIMIT + 1]).prop_map(|length| vec![b'y'; length]),
        2 => prop::collection::vec(any::<u8>(), 0..130),
    ]
}

/// Nearly always a well-formed message or control frame, sometimes in fragments that cut characters.
fn any_frames() -> impl Strategy<Value = Vec<u8>> {
    let fragments = (
        any_text(),
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        any::<bool>(),
    )
        .prop_map(|(text, cuts, with_ping)| {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.sort_unstable();
            let (mut bytes, mut from) = (Vec::new(), 0);
            for (i, cut) in cuts.iter().enumerate() {
                bytes.extend(frame(u8::from(i == 0), 0, false, &text[from..*cut]));
                if with_ping {
                    bytes.extend(frame(0x89, 0, false, b"between"));
                }
                from = *cut;
            }
            bytes.extend(frame(
                0x80 | u8::from(cuts.is_empty()),
                0,
                false,
                &text[from..],
            ));
            bytes
        });
    let control = (
        prop::sample::select(vec![0x89_u8, 0x8A]),
        prop::collection::vec(any::<u8>(), 0..127),
    )
        .prop_map(|(first, payload)| frame(first, 0, false, &payload));
    let close = prop_oneof![
        Just(Vec::new()),
        Just(vec![3]),
        Just(vec![3, 232]),
        Just(vec![3, 0xF1, 0xFF]),
        (3000_u16..5000, "[a-z\u{e9}]{0,20}").prop_map(|(code, reason)| [
            &code.to_be_bytes()[..],
            reason.as_bytes()
        ]
        .concat()),
    ]
    .prop_map(|payload| frame(0x88, 0, false, &payload));
    let odd = (
        any::<u8>(),
        0_u8..3,
        prop::bool::weighted(0.2),
        prop::collection::vec(any::<u8>(), 0..130),
    )
        .prop_map(|(first, form, masked, payload)| frame(first, form, masked, &payload));
    prop_oneof![12 => fragments, 4 => control, 1 => close, 1 => odd]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: fuzz::cases(3000), rng_seed: RngSeed::Fixed(3), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn frames_are_read_as_tungstenite_reads_them_however_cut(
        frames in prop::collection::vec(any_frames(), 1..8),
        sizes in prop::collection::vec(prop_oneof![1_usize..20, 1_usize..40_000], 1..8),
    ) {
        let bytes = frames.concat();
        let theirs = by_tungstenite(&bytes, Role::Client);
        let (mut ours, broken) = by_us(&bytes, &sizes);
        if matches!(broken, Some(WsBroken::Binary | WsBroken::BadLength)) {
            // The deliberate differences: up to there both agree.
            ours.pop();
            prop_assert!(begins_alike(&theirs, &ours), "{:?} against {:?}", theirs, ours);
        } else {
            prop_assert_eq!(ours.len(), theirs.len(), "{:?}: {:?} against {:?}", broken, ours, theirs);
            prop_assert!(begins_alike(&theirs, &ours), "{:?} against {:?}", theirs, ours);
        }
        let (whole, _) = by_us(&bytes, &[bytes.len()]);
        if broken.is_none() {
            prop_assert_eq!(whole, ours);
        }
    }

    #[test]
    fn random_bytes_never_panic_and_agree_up_to_the_first_difference(
        bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(vec![0x81, 0x01, 0x80, 0, 1, 2, 0x89, b'a'])], 0..300),
        sizes in prop::collection::vec(1_usize..20, 1..8),
    ) {
        let theirs = by_tungstenite(&bytes, Role::Client);
        let (mut ours, broken) = by_us(&bytes, &sizes);
        // We judge a header as soon as it is there, tungstenite when its payload is.
        if broken.is_some() {
            ours.pop();
        } else {
            prop_assert_ne!(theirs.last(), Some(&Seen::Broken));
        }
        prop_assert!(begins_alike(&theirs, &ours), "{:?} against {:?}", ours, theirs);
    }

    #[test]
    fn tungstenite_reads_back_what_we_write(
        messages in prop::collection::vec((prop::collection::vec("[a-z\u{e9}\u{65e5}]{0,40}", 1..5), any::<[u8; 4]>()), 1..6),
        filler in prop::sample::select(vec![0_usize, 125, 126, 127, 65_500, 65_536]),
        control in prop::collection::vec(any::<u8>(), 0..140),
        reason in "[a-z\u{65e5}]{0,100}",
        mask in any::<[u8; 4]>(),
    ) {
        let (mut out, mut expected) = (Vec::new(), Vec::new());
        let filler = "f".repeat(filler);
        for (parts, mask) in &messages {
            let mut slices: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
            slices.push(filler.as_bytes());
            write_text(&mut out, *mask, &slices);
            expected.push(Seen::Text(parts.concat() + &filler));
        }
        write_ping(&mut out, mask, &control);
        expected.push(Seen::Ping(control[..control.len().min(125)].to_vec()));
        write_pong(&mut out, mask, &control);
        expected.push(Seen::Pong);
        write_close(&mut out, mask, 1000, &reason);
        let cut = &reason[..reason.floor_char_boundary(123)];
        expected.push(Seen::Close(Some((1000, cut.to_owned()))));
        prop_assert_eq!(by_tungstenite(&out, Role::Server), expected);
    }
}

#[test]
fn each_way_of_breaking_the_protocol_has_its_sentence() {
    let cases: [(&[u8], WsBroken); 15] = [
        (&[0x81, 0x80, 0, 0, 0, 0], WsBroken::Masked),
        (&[0xC1, 0x00], WsBroken::ReservedBits),
        (&[0x83, 0x00], WsBroken::UnknownOpcode(3)),
        (&[0x8B, 0x00], WsBroken::UnknownOpcode(11)),
        (&[0x82, 0x00], WsBroken::Binary),
        (&[0x81, 126, 0, 125], WsBroken::BadLength),
        (
            &[0x81, 127, 0, 0, 0, 0, 0, 0, 255, 255],
            WsBroken::BadLength,
        ),
        (&[0x81, 127, 128, 0, 0, 0, 0, 1, 0, 0], WsBroken::BadLength),
        (&[0x09, 0x00], WsBroken::BadControl),
        (&[0x89, 126, 0, 126], WsBroken::BadControl),
        (&[0x89, 126, 0, 0], WsBroken::BadLength),
        (&[0x88, 0x01, 3], WsBroken::BadClose),
        (&[0x80, 0x00], WsBroken::NothingToContinue),
        (&[0x01, 0x00, 0x81, 0x00], WsBroken::Interleaved),
        (&[0x81, 0x02, 0xC3, 0x28], WsBroken::NotUtf8),
    ];
    for (bytes, expected) in cases {
        for size in [1, 100] {
            let (_, broken) = by_us(bytes, &[size]);
            assert_eq!(broken.as_ref(), Some(&expected), "{bytes:x?}");
        }
        assert!(expected.to_string().starts_with("the server"));
    }
    // A length that nobody could hold is refused at its header.
    let (_, broken) = by_us(&[0x81, 127, 127, 255, 255, 255, 255, 255, 255, 255], &[3]);
    assert_eq!(broken, Some(WsBroken::TooLarge(LIMIT)));
}

#[test]
fn a_whole_message_is_not_copied_and_nothing_counts_behind_a_close() {
    let input = [
        frame(0x81, 0, false, b"{}"),
        frame(0x88, 0, false, &[3, 232]),
        vec![0xFF; 9],
    ]
    .concat();
    let (mut reader, mut at) = (FrameReader::new(Limits::default()), 0);
    assert!(reader.is_idle());
    let Ok(Some(Frame::Message(text))) = reader.next(&input, &mut at) else {
        panic!("no message");
    };
    assert!(input.as_ptr_range().contains(&text.as_ptr()));
    assert_eq!(
        reader.next(&input, &mut at),
        Ok(Some(Frame::Close(Some(1000), "")))
    );
    assert_eq!(reader.next(&input, &mut at), Ok(None));
    assert_eq!(at, input.len());
}
