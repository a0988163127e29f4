//! What strangers may send, bent and broken at random for MCPIPE_FUZZ_SECONDS (1) each: no crash, no hang.
//!
//! Dice are seeded (MCPIPE_FUZZ_SEED, 7), so that a find can be had again. The same targets are fuzzed guided by coverage in
//! tests/fuzz, from the same corpus.
#![allow(clippy::print_stdout)] // how many inputs there were, for whoever looks on

mod api;
mod mutator;
mod plan;
mod splitter;

use mutator::Mutator;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// An input that takes longer hangs, on whatever machine.
const HANGS: Duration = Duration::from_secs(20);

/// Bends the corpus of that name and gives each result to `target`, until the time is up.
fn bend(name: &str, target: fn(&[u8])) {
    let number = |variable: &str, usual: u64| {
        std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus");
    let mut mutator = Mutator::of(&folder.join(name), number("MCPIPE_FUZZ_SEED", 7));
    let until = Instant::now() + Duration::from_secs(number("MCPIPE_FUZZ_SECONDS", 1));
    let current = Arc::new(Mutex::new(Vec::new()));
    let (tell, told) = mpsc::channel::<()>();
    let shown = Arc::clone(&current);
    let worker = std::thread::spawn(move || {
        let mut inputs = 0_u64;
        // A fixed number at least, so that a slow machine proves something, too.
        while inputs < 1_000 || Instant::now() < until {
            let input = mutator.next_input();
            shown
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone_from(&input);
            target(&input);
            inputs += 1;
            if tell.send(()).is_err() {
                break;
            }
        }
        inputs
    });
    // Heard of each input; silence is a hang, the end of the worker an end or a crash.
    let hangs = loop {
        match told.recv_timeout(HANGS) {
            Ok(()) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break false,
            Err(mpsc::RecvTimeoutError::Timeout) => break true,
        }
    };
    let input = || {
        let bytes = current.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{:?}", bytes.escape_ascii().to_string())
    };
    assert!(!hangs, "{name} hangs on {}", input());
    match worker.join() {
        Ok(inputs) => println!("{name}: {inputs} inputs"),
        Err(_) => panic!("{name} crashed on {}", input()),
    }
}

#[test]
fn plans() {
    bend("plan", plan::read);
}

#[test]
fn api() {
    bend("api", api::read);
}

#[test]
fn conversations() {
    bend("splitter", splitter::read);
}
