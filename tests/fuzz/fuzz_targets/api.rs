//! Calls of Toxiproxy's API, guided by coverage.
#![no_main]

#[path = "../../../tools/mcp-chaos/tests/mutation/api.rs"]
mod api;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| api::read(bytes));
