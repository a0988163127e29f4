//! mcp-chaos: breaks servers and networks between mcp-deploy and mcp-gen, or behind mcp-gen, and mends them.
//!
//! A library, so that what reads bytes from strangers (plans, messages, the API) can be fuzzed; `main.rs` is the program.

pub mod action;
pub mod api;
pub mod cli;
pub mod dice;
pub mod director;
pub mod heal;
pub mod message;
pub mod network;
pub mod path;
pub mod plan;
pub mod process;
pub mod proxy;
pub mod relay_stdio;
pub mod status;
pub mod steady;
pub mod stream;
