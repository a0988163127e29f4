//! What strangers may send: nothing makes the splitter panic, hang, or fill memory, and bytes are neither lost nor made
//! up where no fault is to do that. All dice are seeded.

use crate::script::Script;
use crate::speak::*;
use crate::talk::{Talk, fault};
use crate::{corpus, handmade};
use mcp_chaos::dice::throw;
use mcp_chaos::message::{Pass, Side, Wire};
use proptest::prelude::*;

/// All kinds, at full strength, on all methods.
const ALL: [&str; 15] = [
    "drop_answer:method=*,rate=20%",
    "delay_answer:method=*,delay=1ms,jitter=1ms,rate=30%",
    "duplicate_answer:method=*,rate=30%",
    "reorder_answers:method=*,hold=1ms,rate=30%",
    "swap_ids:method=*,rate=50%",
    "truncate_json:method=*,rate=20%",
    "tool_error:method=*,rate=20%",
    "rpc_error:method=*,rate=20%",
    "http_error:method=*,rate=20%",
    "session_gone:method=*,rate=20%",
    "cut_stream:method=*,events=1,rate=20%",
    "drip:method=*,size=7B,pause=1ms,rate=20%",
    "oversize:method=*,size=100B,rate=20%",
    "wrong_result_type:method=*,rate=20%",
    "header_mismatch:method=*,rate=20%",
];

/// Changes some bytes of a script, its order, or its lengths.
fn mutated(script: &Script, seed: u64) -> Script {
    let mut script = script.clone();
    for n in 0..=throw(seed, 0, 0) % 6 {
        let dice = |k| throw(seed, n + 1, k) as usize;
        let which = dice(0) % script.pieces.len().max(1);
        let Some((side, piece)) = script.pieces.get_mut(which) else {
            continue;
        };
        let at = dice(1) % piece.len().max(1);
        match dice(2) % 8 {
            0 => piece.truncate(at),
            1 if !piece.is_empty() => piece[at] ^= 1 << (dice(3) % 8),
            2 if !piece.is_empty() => piece[at] = dice(3) as u8,
            3 => {
                let end = (at + dice(3) % 64).min(piece.len());
                let copy = piece[at.min(end)..end].to_vec();
                piece.splice(at.min(piece.len())..at.min(piece.len()), copy);
            }
            4 => {
                let word: &[u8] = [
                    &b"\r\n\r\n"[..],
                    b"\n\n",
                    b"HTTP/1.1 200 OK\r\n",
                    b"0\r\n\r\n",
                    b"ffffffffffffffff\r\n",
                    b"Content-Length: 18446744073709551615\r\n",
                    b"Transfer-Encoding: chunked\r\n",
                    b"[[[[[[",
                    b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                    b"data: ",
                ][dice(3) % 10];
                piece.splice(
                    at.min(piece.len())..at.min(piece.len()),
                    word.iter().copied(),
                );
            }
            5 => *side = side.other(),
            6 => drop(script.pieces.remove(which)),
            _ => {
                let copy = script.pieces[which].clone();
                script.pieces.insert(which, copy);
            }
        }
    }
    script
}

/// Says a script in pieces of random length.
fn say(script: &Script, talk: &mut Talk, seed: u64) {
    let mut n = 0;
    for (from, piece) in &script.pieces {
        let mut rest = &piece[..];
        while !rest.is_empty() {
            n += 1;
            let length = 1 + throw(seed, 99, n) as usize % rest.len().min(4_000);
            let (part, behind) = rest.split_at(length);
            talk.says(*from, part);
            talk.now_us += throw(seed, 98, n) % 700;
            rest = behind;
        }
    }
    talk.ended(Side::Client)
        .ended(Side::Server)
        .later(10_000_000);
}

#[test]
fn whatever_is_changed_in_a_conversation_comes_out_as_it_went_in() {
    let scripts = [handmade::all(), corpus::all()].concat();
    let upgrades = |script: &Script| {
        script
            .pieces
            .iter()
            .any(|(_, p)| p.windows(9).any(|w| w.eq_ignore_ascii_case(b"extension")))
    };
    for seed in 0..1_500 {
        let (name, script) = &scripts[seed as usize % scripts.len()];
        let script = mutated(script, seed);
        for faults in [
            &[][..],
            &["tool_error:rate=0%", "session_gone:rate=0%,method=*"],
        ] {
            if !faults.is_empty() && upgrades(&script) {
                continue;
            }
            let mut talk = Talk::with(script.wire, faults);
            say(&script, &mut talk, seed);
            for side in [Side::Client, Side::Server] {
                let got = talk.all(side.other());
                assert!(
                    got == script.said(side),
                    "{name}, seed {seed}, {side:?}, {faults:?}"
                );
            }
        }
    }
}

#[test]
fn whatever_is_changed_in_a_conversation_all_faults_at_once_do_not_break_on_it() {
    let scripts = [handmade::all(), corpus::all()].concat();
    for seed in 0..3_000 {
        let (name, script) = &scripts[seed as usize % scripts.len()];
        let script = mutated(script, seed);
        let mut talk = Talk::new(script.wire);
        for (n, text) in ALL.iter().enumerate() {
            // One alone sees more than what fourteen others have left.
            if seed % 3 != 0 || n as u64 == seed / 3 % ALL.len() as u64 {
                talk.rules.begin(&format!("f{n}"), fault(text), seed);
            }
        }
        say(&script, &mut talk, seed);
        let said: usize = script.pieces.iter().map(|(_, piece)| piece.len()).sum();
        let got: usize = [Side::Client, Side::Server]
            .iter()
            .map(|s| talk.all(*s).len())
            .sum();
        // Twice, each with its padding, and errors in the place of answers.
        assert!(
            got <= 2 * said + 400 * (1 + said / 20),
            "{name}, seed {seed}: {got} of {said}"
        );
        assert!(
            talk.conversation.due_us().is_none(),
            "{name}, seed {seed}: something waits for ever"
        );
        let closes = talk
            .passes
            .iter()
            .position(|pass| matches!(pass, Pass::Close { .. }));
        assert!(
            closes.is_none_or(|at| at + 1 == talk.passes.len()),
            "{name}, seed {seed}: something comes behind the end"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(11), cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_pass(pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 1..200)), 1..20), lines: bool, faulty: bool) {
        let wire = if lines { Wire::Lines } else { Wire::Http };
        let mut talk = Talk::with(wire, if faulty { &["drop_answer:method=*", "session_gone:method=*"] } else { &[] });
        for (client, piece) in &pieces {
            talk.says(if *client { Side::Client } else { Side::Server }, piece);
        }
        talk.ended(Side::Client).ended(Side::Server);
        for (side, client) in [(Side::Client, true), (Side::Server, false)] {
            let said: Vec<u8> = pieces.iter().filter(|(c, _)| *c == client).flat_map(|(_, p)| p.clone()).collect();
            prop_assert_eq!(talk.all(side.other()), said);
        }
    }

    #[test]
    fn structured_junk_passes(words in prop::collection::vec((any::<bool>(), 0usize..16), 1..60)) {
        let words_of = [
            "POST / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", "Content-Length: 5\r\n", "\r\n", "hello", "Transfer-Encoding: chunked\r\n",
            "5\r\nhello\r\n", "0\r\n\r\n", "Content-Type: text/event-stream\r\n", "data: {}\n\n", "Content-Type: application/json\r\n",
            "{\"id\":1,\"result\":{}}", "GET / HTTP/1.1\r\nUpgrade: websocket\r\n", "HTTP/1.1 101 S\r\n", "\u{81}\u{5}hello", "Expect: 100-continue\r\n",
        ];
        for faults in [&[][..], &["rpc_error:rate=0%", "header_mismatch:rate=0%"]] {
            let mut talk = Talk::with(Wire::Http, faults);
            let mut said = [Vec::new(), Vec::new()];
            for (client, word) in &words {
                let side = if *client { Side::Client } else { Side::Server };
                talk.says(side, words_of[*word].as_bytes());
                said[usize::from(!*client)].extend_from_slice(words_of[*word].as_bytes());
            }
            talk.ended(Side::Server).ended(Side::Client);
            prop_assert_eq!(talk.all(Side::Server), said[0].clone());
            prop_assert_eq!(talk.all(Side::Client), said[1].clone());
        }
    }
}

/// What the process has on its heap, in bytes, by the kernel's account.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

#[test]
fn what_never_ends_fills_no_memory() {
    let head = post("", "").replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let endless: [(Wire, &str, Vec<u8>, Vec<u8>); 8] = [
        (
            Wire::Lines,
            "a line",
            b"{\"id\":1".to_vec(),
            vec![b' '; 60_000],
        ),
        (
            Wire::Http,
            "a head",
            b"POST / HTTP/1.1\r\n".to_vec(),
            b"X-Header: value\r\n".repeat(3_000),
        ),
        (
            Wire::Http,
            "a body",
            head.clone().into_bytes(),
            chunk(&"x".repeat(60_000)).into_bytes(),
        ),
        (
            Wire::Http,
            "an extension",
            [head.as_bytes(), b"5;"].concat(),
            vec![b'x'; 60_000],
        ),
        (
            Wire::Http,
            "requests",
            Vec::new(),
            post("", &call(1, "a")).repeat(200).into_bytes(),
        ),
        (
            Wire::Http,
            "notifications",
            Vec::new(),
            post("", PROGRESS).repeat(200).into_bytes(),
        ),
        (Wire::Lines, "requests in lines", Vec::new(), Vec::new()),
        (
            Wire::Http,
            "behind an upgrade",
            UPGRADE.into(),
            masked(&call(1, "a")).repeat(500),
        ),
    ];
    for (wire, name, first, again) in endless {
        for faults in [
            &[][..],
            &[
                "session_gone:method=*,after=1000000000",
                "swap_ids:method=*",
            ],
        ] {
            let mut talk = Talk::with(wire, faults);
            talk.client(&first);
            let mut before = 0;
            for n in 0..600u64 {
                if again.is_empty() {
                    let ids = n * 1_000..(n + 1) * 1_000;
                    let calls: String = ids
                        .map(|id| call(id, &format!("tool-{id}")) + "\n")
                        .collect();
                    talk.client(calls);
                } else {
                    talk.client(&again);
                }
                talk.passes = Vec::new();
                if n == 200 {
                    before = resident();
                }
            }
            let grown = resident().saturating_sub(before);
            // What other tests do at the same time counts as well.
            assert!(grown < 64 << 20, "{name}: {grown} bytes");
        }
    }
}

#[test]
fn an_endless_event_is_no_reason_to_wait_for_ever() {
    let mut talk = Talk::with(Wire::Http, &["drop_answer"]);
    talk.client(post("", &call(1, "a"))).server(STREAM);
    let mut said = STREAM.len();
    for _ in 0..200 {
        let part = chunk(&"data: more\n".repeat(1_000));
        talk.server(&part);
        said += part.len();
        assert!(said - talk.all(Side::Client).len() < (1 << 20) + 2 * part.len());
    }
    assert_eq!(talk.count("too_large"), 1);
}
