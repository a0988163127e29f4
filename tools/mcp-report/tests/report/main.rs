//! mcp-report through its binary, on streams composed record by record.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

mod course;
mod faults;
mod forms;
mod gates;
mod input;
mod merging;
mod signals;
mod stream;
mod torn;
mod verdicts;
