//! MCP as a load tool needs it: messages of both eras, their transports, and what became of a call.
//!
//! Three layers, none of which starts a thread or owns an event loop:
//!
//! - **messages**: a [`template::Template`] is a call rendered once, [`answer::read`] tells what came
//!   back as one [`outcome::Outcome`], [`schema::arguments`] makes valid arguments for a tool that
//!   nobody here has seen before;
//! - **transports**: sans-IO codecs for HTTP/1.1, HTTP/2, SSE, WebSocket and lines, and the wire below them (TCP, TLS);
//! - **[`client`]**: a blocking client for set-up work, which finds out how a server speaks
//!   ([`dialect::Dialect`]) and what it offers ([`catalogue::Catalogue`]).
//!
//! What a server sends is never trusted: every length, depth, count and wait has a limit, and what
//! breaks one fails a call, never the caller.

pub mod answer;
pub mod batch;
pub mod catalogue;
pub mod client;
pub mod code;
pub mod cookies;
pub mod dialect;
pub mod endpoint;
pub mod h2;
pub mod header;
pub mod http;
pub mod json;
pub mod lines;
pub mod message;
pub mod outcome;
pub mod revision;
pub mod schema;
pub mod sse;
pub mod template;
pub mod tls;
pub mod transport;
pub mod wire;
pub mod ws;
