//! The JSON-RPC error codes that MCP servers answer with, by name.

/// The message was no JSON (JSON-RPC 2.0).
pub const PARSE_ERROR: i64 = -32700;
/// The message was JSON but no request (JSON-RPC 2.0).
pub const INVALID_REQUEST: i64 = -32600;
/// No such method (JSON-RPC 2.0); in the modern era it comes with HTTP 404.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// Wrong parameters (JSON-RPC 2.0); also an unknown tool, a bad cursor, and from 2026-07-28 on a missing resource.
pub const INVALID_PARAMS: i64 = -32602;
/// The server failed (JSON-RPC 2.0).
pub const INTERNAL_ERROR: i64 = -32603;
/// Means nothing by the specification; the TypeScript SDK uses it for HTTP-level refusals.
pub const SERVER_ERROR: i64 = -32000;
/// No such resource, up to 2025-11-25.
pub const RESOURCE_NOT_FOUND: i64 = -32002;
/// An HTTP header disagrees with the body or is missing (2026-07-28).
pub const HEADER_MISMATCH: i64 = -32020;
/// The request needs a capability that the client did not declare (2026-07-28).
pub const MISSING_CLIENT_CAPABILITY: i64 = -32021;
/// The server does not speak the revision named in `_meta` (2026-07-28).
pub const UNSUPPORTED_PROTOCOL_VERSION: i64 = -32022;
/// The user must visit a URL first (2025-11-25 only).
pub const URL_ELICITATION_REQUIRED: i64 = -32042;
/// The request was cancelled; the Python SDK 2 answers so, though the specification wants silence.
pub const REQUEST_CANCELLED: i64 = -32800;

/// Whether only a modern server would answer with this code.
///
/// The specification keys era detection on these three and on nothing else (2026-07-28, transports).
pub const fn is_modern(code: i64) -> bool {
    matches!(
        code,
        HEADER_MISMATCH | MISSING_CLIENT_CAPABILITY | UNSUPPORTED_PROTOCOL_VERSION
    )
}
