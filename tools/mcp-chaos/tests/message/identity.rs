//! Bytes come out as they went in, wherever they were cut: without rules, with rules that hit nothing, and with rules
//! that come and go meanwhile.

use crate::script::Script;
use crate::speak::*;
use crate::talk::{Talk, fault};
use crate::{corpus, handmade};
use mcp_chaos::message::{Counts, Side, Wire};

fn conversations() -> Vec<(String, Script)> {
    [handmade::all(), corpus::all()].concat()
}

/// Those of which a fault that is active from the start changes nothing by being there: compression is taken out of what
/// clients offer.
fn without_compression() -> Vec<(String, Script)> {
    let mut all = conversations();
    all.retain(|(name, _)| name != "WebSocket with compression");
    all
}

/// Rules that match everything they can, and hit nothing: the first 1,000,000,000 are spared.
const SPARING: [&str; 15] = [
    "drop_answer:method=*,after=1000000000",
    "delay_answer:method=*,rate=0%",
    "duplicate_answer:method=*,rate=0%",
    "reorder_answers:method=*,rate=0%",
    "swap_ids:method=*,rate=0%",
    "truncate_json:method=*,rate=0%",
    "tool_error:method=*,rate=0%",
    "rpc_error:method=*,rate=0%",
    "http_error:method=*,rate=0%",
    "session_gone:method=*,rate=0%",
    "cut_stream:method=*,rate=0%",
    "drip:method=*,rate=0%",
    "oversize:method=*,rate=0%",
    "wrong_result_type:tool=nobody",
    "header_mismatch:method=*,rate=0%",
];

/// Where to cut so many bytes: everywhere, or where that would take minutes, at the beginning, at the end, and so often
/// between.
fn cuts(all: usize, most: usize) -> impl Iterator<Item = usize> {
    let near = most / 4;
    let step = 1 + 2 * all / most.max(1);
    (0..all).filter(move |at| all <= most || *at < near || all - at < near || at % step == 0)
}

/// Says a script with a cut into each piece of it at `cut` of that side's bytes, and gives the talk.
fn said(script: &Script, mut talk: Talk, cut: Option<(Side, usize)>) -> Talk {
    let mut gone = [0usize; 2];
    for (from, piece) in &script.pieces {
        let gone = &mut gone[usize::from(*from == Side::Server)];
        let at = match cut {
            Some((side, at)) if side == *from => at.checked_sub(*gone),
            _ => None,
        };
        match at.filter(|at| *at > 0 && *at < piece.len()) {
            Some(at) => {
                talk.says(*from, &piece[..at]).says(*from, &piece[at..]);
            }
            None => {
                talk.says(*from, piece);
            }
        }
        *gone += piece.len();
    }
    talk.ended(Side::Client).ended(Side::Server);
    talk
}

fn check(name: &str, script: &Script, talk: &Talk, what: &str) {
    for side in [Side::Client, Side::Server] {
        let (got, said) = (talk.got(side.other()), script.said(side));
        assert!(
            got == said,
            "{name}, {what}: {side:?} said {} bytes, {} came out, the same up to {}",
            said.len(),
            got.len(),
            got.iter().zip(&said).take_while(|(a, b)| a == b).count()
        );
        assert!(
            talk.end(side).is_some(),
            "{name}, {what}: no end for {side:?}"
        );
    }
}

#[test]
fn without_rules_every_cut_gives_the_same_bytes_at_once() {
    for (name, script) in conversations() {
        for side in [Side::Client, Side::Server] {
            let all = script.said(side).len();
            for at in cuts(all, if all < 4_000 { all } else { 400 }) {
                let talk = said(&script, Talk::new(script.wire), Some((side, at)));
                check(&name, &script, &talk, &format!("cut at {side:?} {at}"));
            }
        }
    }
}

#[test]
fn without_rules_every_byte_passes_in_the_call_that_brought_it() {
    for (name, script) in conversations() {
        let mut talk = Talk::new(script.wire);
        for (from, piece) in &script.pieces {
            for byte in piece {
                let before = talk.got(from.other()).len();
                talk.says(*from, &[*byte]);
                let after = talk.got(from.other()).len();
                assert_eq!(after, before + 1, "{name}: a byte waited");
                talk.passes.clear();
            }
        }
    }
}

#[test]
fn rules_that_hit_nothing_change_no_byte_wherever_it_is_cut() {
    for (name, script) in without_compression() {
        for side in [Side::Client, Side::Server] {
            let all = script.said(side).len();
            for at in cuts(all, if all < 600 { all } else { 200 }) {
                let talk = said(&script, Talk::with(script.wire, &SPARING), Some((side, at)));
                check(
                    &name,
                    &script,
                    &talk,
                    &format!("with rules, cut at {side:?} {at}"),
                );
                assert_eq!(talk.count("hit"), 0);
            }
        }
        for rule in SPARING {
            let mut talk = Talk::with(script.wire, &[rule]);
            for (from, piece) in &script.pieces {
                for byte in piece {
                    talk.says(*from, &[*byte]);
                }
            }
            talk.ended(Side::Server).ended(Side::Client);
            check(&name, &script, &talk, &format!("byte by byte with {rule}"));
        }
    }
}

#[test]
fn rules_that_come_and_go_between_any_two_bytes_change_none() {
    for (name, script) in without_compression() {
        let all: usize = script.pieces.iter().map(|(_, piece)| piece.len()).sum();
        let step = 1 + all / 400;
        for begin in (0..all).step_by(step) {
            let mut talk = Talk::new(script.wire);
            let mut n = 0;
            for (from, piece) in &script.pieces {
                for part in piece.chunks(step.max(7)) {
                    if (n..n + part.len()).contains(&begin) {
                        for (i, rule) in SPARING.iter().enumerate() {
                            talk.rules.begin(&format!("f{i}"), fault(rule), 1);
                        }
                    }
                    if (n..n + part.len()).contains(&(begin + all / 5)) {
                        for i in 0..SPARING.len() {
                            talk.rules.end(&format!("f{i}"));
                        }
                    }
                    talk.says(*from, part);
                    n += part.len();
                }
            }
            talk.ended(Side::Client).ended(Side::Server);
            check(
                &name,
                &script,
                &talk,
                &format!("rules from byte {begin} on"),
            );
        }
    }
}

#[test]
fn what_cannot_be_split_passes_and_is_counted_once_by_each_fault() {
    for (name, script) in handmade::all() {
        let cannot = matches!(
            name.as_str(),
            "TLS" | "HTTP/2" | "two lengths" | "WebSocket with compression"
        );
        let talk = said(&script, Talk::with(script.wire, &["tool_error"]), None);
        let expected = match (cannot, name.as_str()) {
            // A fault that is active when the connection begins leaves compression away from what is offered; this
            // server agrees to it all the same.
            (true, _) => 1,
            (false, _) => 0,
        };
        assert_eq!(talk.count("unsplit"), expected, "{name}");
    }
    let mut talk = Talk::new(Wire::Http);
    talk.client(b"\x16\x03\x01");
    talk.rules.begin("f1", fault("drop_answer"), 1);
    talk.client(b"more").server(b"more").client(b"more");
    assert_eq!(
        talk.rules.end("f1"),
        Counts::from([("hit", 0), ("matched", 0), ("unsplit", 1)])
    );
}

#[test]
fn bad_frames_pass_and_are_counted() {
    let text = frame("{}");
    for (name, from, bytes) in [
        ("reserved bits", Side::Server, vec![0xc1, 1, b'x']),
        ("an unknown opcode", Side::Server, vec![0x83, 1, b'x']),
        ("a masked frame of a server", Side::Server, masked("{}")),
        ("an unmasked frame of a client", Side::Client, text.clone()),
        (
            "a continuation of nothing",
            Side::Server,
            vec![0x80, 1, b'x'],
        ),
        (
            "a message within another",
            Side::Server,
            [&[0x01, 1, b'x'][..], &text].concat(),
        ),
        (
            "a length of too many bytes",
            Side::Server,
            vec![0x81, 126, 0, 1, b'x'],
        ),
        ("a ping in fragments", Side::Server, vec![0x09, 0]),
        (
            "a long ping",
            Side::Server,
            [&[0x89, 126, 0, 126][..], &[b'x'; 126]].concat(),
        ),
    ] {
        for cut in 0..bytes.len() {
            let mut talk = Talk::with(Wire::Http, &["drop_answer:method=*"]);
            talk.client(UPGRADE).server(UPGRADED);
            talk.passes.clear();
            talk.says(from, &bytes[..cut]).says(from, &bytes[cut..]);
            assert_eq!(talk.count("unsplit"), 1, "{name} {cut}");
            talk.says(from, b"and more").says(from.other(), b"and here");
            assert_eq!(
                talk.got(from.other()),
                [&bytes[..], b"and more"].concat(),
                "{name} {cut}"
            );
            assert_eq!(talk.got(from), b"and here");
            assert_eq!(talk.count("unsplit"), 1, "{name} {cut}");
        }
    }
}

#[test]
fn what_comes_behind_an_upgrade_waits_for_its_answer_but_not_without_end() {
    let mut talk = Talk::new(Wire::Http);
    talk.client(UPGRADE).client(masked("{}"));
    assert_eq!(talk.got(Side::Server), UPGRADE.as_bytes());
    talk.server(UPGRADED);
    assert_eq!(
        talk.got(Side::Server),
        [UPGRADE.as_bytes(), &masked("{}")].concat()
    );

    let mut talk = Talk::new(Wire::Http);
    talk.client(UPGRADE);
    for _ in 0..20 {
        talk.client([0x55; 4_096]);
    }
    assert_eq!(talk.got(Side::Server).len(), UPGRADE.len() + 20 * 4_096);
}
