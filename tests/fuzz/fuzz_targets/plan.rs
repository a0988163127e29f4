//! Plans, guided by coverage.
#![no_main]

#[path = "../../../tools/mcp-chaos/tests/mutation/plan.rs"]
mod plan;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plan::read(bytes));
