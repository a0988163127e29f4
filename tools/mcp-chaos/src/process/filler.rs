//! The process beside a target that fills memory, a mebibyte at a time, and holds it.

use super::busy::grown;
use super::memory::Memory;
use std::io::Write;
use std::time::{Duration, Instant};

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "fill-memory";
const CHUNK_BYTES: usize = 1 << 20;
/// While it grows, it is looked at this often.
const STEP: Duration = Duration::from_millis(20);

/// The command line for filling memory.
#[must_use]
pub fn arguments(memory: &Memory, ramp: Duration) -> Vec<String> {
    vec![
        SUBCOMMAND.to_owned(),
        memory.bytes.to_string(),
        ramp.as_micros().to_string(),
    ]
}

/// Starts the thread that fills.
pub(super) fn begin(arguments: &[String]) -> Result<(), String> {
    let [bytes, ramp_us] = arguments else {
        return Err("fill-memory is started by mcp-chaos, not by hand".to_owned());
    };
    let bytes: u64 = bytes.parse().map_err(|e| format!("fill-memory: {e}"))?;
    let ramp_us = ramp_us.parse().map_err(|e| format!("fill-memory: {e}"))?;
    // Without it somebody else might pay for what we take, and nothing is taken then.
    std::fs::write("/proc/self/oom_score_adj", "1000")
        .map_err(|e| format!("can't become the OOM killer's first choice: {e}"))?;
    std::thread::Builder::new()
        .spawn(move || fill(bytes, Duration::from_micros(ramp_us)))
        .map_err(|e| e.to_string())?;
    Ok(())
}

fn fill(bytes: u64, ramp: Duration) {
    let since = Instant::now();
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    let mut filled = 0;
    while filled < bytes {
        let wanted = (bytes as f64 * grown(since.elapsed(), ramp)) as u64;
        if filled >= wanted {
            std::thread::sleep(STEP);
            continue;
        }
        let size = CHUNK_BYTES.min((bytes - filled) as usize);
        let mut chunk = Vec::new();
        if let Err(e) = chunk.try_reserve_exact(size) {
            let _ = writeln!(
                std::io::stderr(),
                "fill-memory: {filled} of {bytes} bytes are filled: {e}"
            );
            break;
        }
        // Not zeros: the kernel may keep one page for many that are alike.
        chunk.extend((0..size).map(|i| (i as u64 ^ filled).wrapping_mul(0x9e37_79b9) as u8 | 1));
        chunks.push(chunk);
        filled += size as u64;
    }
    // Held until main ends.
    loop {
        std::thread::park();
    }
}
