//! Conversations through the splitter of messages: as they are, with rules that hit nothing, and with all faults at once.

#[path = "script.rs"]
mod script;

use mcp_chaos::action::Action;
use mcp_chaos::message::{Conversation, Fault, Pass, Rules, Side};
use mcp_chaos::plan::spec;
use script::Script;
use std::sync::LazyLock;

/// All kinds, as they are read from a plan.
static FAULTS: LazyLock<Vec<Fault>> = LazyLock::new(|| {
    let kinds = [
        "drop_answer:method=*,rate=20%@1s",
        "delay_answer:method=*,delay=1ms,rate=30%@1s",
        "duplicate_answer:method=*,rate=30%@1s",
        "reorder_answers:method=*,hold=1ms,rate=30%@1s",
        "swap_ids:method=*,rate=50%@1s",
        "truncate_json:method=*,rate=20%@1s",
        "tool_error:method=*,rate=20%@1s",
        "rpc_error:method=*,rate=20%@1s",
        "http_error:method=*,rate=20%@1s",
        "session_gone:method=*,rate=20%@1s",
        "cut_stream:method=*,events=1,rate=20%@1s",
        "drip:method=*,size=7B,pause=1ms,rate=20%@1s",
        "oversize:method=*,size=100B,rate=20%@1s",
        "wrong_result_type:method=*,rate=20%@1s",
        "header_mismatch:method=*,rate=20%@1s",
    ];
    let action = |text: &&str| spec::parse(text).ok().map(|fault| fault.action);
    let faults = kinds.iter().filter_map(action);
    let faults: Vec<Fault> = faults
        .filter_map(|action| match action {
            Action::Message(fault) => Some(fault),
            _ => None,
        })
        .collect();
    assert_eq!(faults.len(), kinds.len());
    faults
});

/// Spares all that it matches, and holds every request and answer meanwhile.
static SPARING: LazyLock<Vec<Fault>> = LazyLock::new(|| {
    ["tool_error", "session_gone"]
        .iter()
        .filter_map(|kind| spec::parse(&format!("{kind}:method=*,rate=0%@1s")).ok())
        .filter_map(|fault| match fault.action {
            Action::Message(fault) => Some(fault),
            _ => None,
        })
        .collect()
});

/// Lets a conversation run in all three ways.
pub fn read(bytes: &[u8]) {
    let script = Script::read(bytes);
    let plain = run(&script, &[], usize::MAX);
    same(&script, &plain);
    same(&script, &run(&script, &[], 7));
    // An offer of compression is taken out, and that is a change.
    if !bytes
        .windows(10)
        .any(|word| word.eq_ignore_ascii_case(b"extensions"))
    {
        same(&script, &run(&script, &SPARING, 64));
    }
    let passes = run(&script, &FAULTS, 512);
    let close = passes
        .iter()
        .position(|pass| matches!(pass, Pass::Close { .. }));
    assert!(
        close.is_none_or(|at| at + 1 == passes.len()),
        "something comes behind the end"
    );
}

/// All that comes out where each piece is cut into parts of so many bytes at most.
fn run(script: &Script, faults: &[Fault], part: usize) -> Vec<Pass> {
    let mut rules = Rules::new(false);
    for (n, fault) in faults.iter().enumerate() {
        rules.begin(&format!("f{n}"), fault.clone(), 7);
    }
    let mut conversation = Conversation::new(script.wire, 1);
    let (mut now_us, mut passes) = (1, Vec::new());
    for (from, piece) in &script.pieces {
        for part in piece.chunks(part) {
            now_us += 100;
            conversation.read(*from, part, now_us, &mut rules, &mut passes);
        }
    }
    for from in [Side::Client, Side::Server] {
        conversation.ended(from, now_us, &mut rules, &mut passes);
    }
    conversation.tick(now_us + 10_000_000, &mut rules, &mut passes);
    assert_eq!(conversation.due_us(), None, "something waits for ever");
    passes
}

fn same(script: &Script, passes: &[Pass]) {
    for side in [Side::Client, Side::Server] {
        let got = passes.iter().filter_map(|pass| match pass {
            Pass::Bytes { to, bytes, .. } if *to == side => Some(&bytes[..]),
            _ => None,
        });
        let got = got.collect::<Vec<_>>().concat();
        assert!(
            got == script.said(side.other()),
            "bytes to {side:?} are not those that came"
        );
    }
}
