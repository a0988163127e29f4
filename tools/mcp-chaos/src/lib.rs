//! mcp-chaos: breaks servers and networks between mcp-deploy and mcp-gen, or behind mcp-gen, and mends them.
//!
//! A library, so that what reads bytes from strangers (plans, messages, the API) can be fuzzed; `main.rs` is the program.

#![allow(dead_code)] // faults are only described so far; what applies them comes next

pub mod action;
pub mod cli;
pub mod dice;
pub mod message;
pub mod plan;
pub mod process;
pub mod relay_stdio;
