//! The kinds of abuse: what each is called, what is sent, and where it has a meaning.

use protocol::transport::Transport;
use std::str::FromStr;

/// A kind of abuse. They are indexed in the order in which they stand here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    MalformedJson,
    TruncatedFrame,
    WrongVersion,
    UnknownMethod,
    InvalidParams,
    DuplicateId,
    OversizedBody,
    Disconnect,
    HalfOpen,
    SlowSender,
    NeverReads,
}

use Kind::{
    Disconnect, DuplicateId, HalfOpen, InvalidParams, MalformedJson, NeverReads, OversizedBody,
    SlowSender, TruncatedFrame, UnknownMethod, WrongVersion,
};

impl Kind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        MalformedJson,
        TruncatedFrame,
        WrongVersion,
        UnknownMethod,
        InvalidParams,
        DuplicateId,
        OversizedBody,
        Disconnect,
        HalfOpen,
        SlowSender,
        NeverReads,
    ];

    /// The name in records and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            MalformedJson => "malformed_json",
            TruncatedFrame => "truncated_frame",
            WrongVersion => "wrong_version",
            UnknownMethod => "unknown_method",
            InvalidParams => "invalid_params",
            DuplicateId => "duplicate_id",
            OversizedBody => "oversized_body",
            Disconnect => "disconnect",
            HalfOpen => "half_open",
            SlowSender => "slow_sender",
            NeverReads => "never_reads",
        }
    }

    /// What is done.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            MalformedJson => "a message that is no JSON",
            TruncatedFrame => {
                "half of a frame, body or line, then the end of what this side sends (FIN)"
            }
            WrongVersion => "a request with \"jsonrpc\":\"1.0\"",
            UnknownMethod => "a request of the method mcpipe/no-such-method",
            InvalidParams => "tools/call without the name of a tool",
            DuplicateId => "two requests with one id at the same time in one session",
            OversizedBody => "a request of --abuse-body bytes",
            Disconnect => {
                "half of a request, then the connection is dropped; a new one must be served"
            }
            HalfOpen => "half of a request, then silence with the connection open",
            SlowSender => {
                "the beginning of a request, a byte at a time (slowloris), 20 in --abuse-hold"
            }
            NeverReads => "requests for lists without end, and no answer is ever read",
        }
    }

    /// What counts as right, in a sentence for people; [`right`](super::right) decides.
    #[must_use]
    pub const fn right(self) -> &'static str {
        match self {
            MalformedJson => "-32700; HTTP 400, 415 or 422; the connection closed",
            TruncatedFrame => "any error; HTTP 400 or 408; the connection closed",
            WrongVersion => "-32600; HTTP 400 or 422",
            UnknownMethod => "-32601; in the modern era over HTTP also 404",
            InvalidParams => "-32602; in the modern era over HTTP also -32020 (no Mcp-Name)",
            DuplicateId => "an answer or an error to each of the two; the connection closed",
            OversizedBody => "HTTP 413; elsewhere any error; the connection closed",
            Disconnect => "a new connection is served: a ping (or server/discover) is answered",
            HalfOpen | SlowSender => {
                "before --abuse-hold is over: the connection closed; any error; HTTP 400, 408 or 431"
            }
            NeverReads => "before --abuse-hold is over: the server takes in no more, or closes",
        }
    }

    /// Why it has no meaning over this transport; `None` where it has one.
    #[must_use]
    pub const fn meaningless(self, transport: Transport) -> Option<&'static str> {
        match (self, transport) {
            (Disconnect | HalfOpen | SlowSender, Transport::Stdio) => {
                Some("a server over stdio has one client, its parent, and waits for it at leisure")
            }
            (NeverReads, Transport::Sse) => Some(
                "its answers leave on another connection than the requests come on, and must be read to know them",
            ),
            _ => None,
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = |kind: &Self| kind.name() == text;
        Self::ALL.into_iter().find(named).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|kind| kind.name()).collect();
            format!(
                "no abuse is called {text:?}: use {}, or all",
                names.join(", ")
            )
        })
    }
}
