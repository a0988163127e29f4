//! Conversations through the splitter of messages, guided by coverage.
#![no_main]

#[path = "../../../tools/mcp-chaos/tests/mutation/splitter.rs"]
mod splitter;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| splitter::read(bytes));
