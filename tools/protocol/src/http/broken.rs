//! Why an answer cannot be read on: one sentence for each way in which a server breaks HTTP.

use crate::sse;

/// The connection is of no use after any of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The first bytes are no status line of HTTP/1.0 or 1.1.
    #[error("the server does not answer in HTTP/1.1: check the port, and http:// against https://")]
    NotHttp,
    /// A header line that RFC 9112 does not allow (also one folded over two lines).
    #[error("the server sent a malformed header ({0})")]
    BadHeader(&'static str),
    /// The head exceeds its limit.
    #[error("the head of the answer is longer than {0} bytes")]
    HeadTooLarge(usize),
    /// More header lines than anybody needs.
    #[error("the answer has more than {0} headers")]
    TooManyHeaders(usize),
    /// 101 to a request that asked for no other protocol.
    #[error("the server switched protocols though nothing asked for it")]
    UnaskedUpgrade,
    /// Content-Length is no number, or there are two that differ.
    #[error("the server sent a content-length that is no single number")]
    BadLength,
    /// Both lengths at once: one of the two parties would be wrong about where the answer ends.
    #[error(
        "the server sent both content-length and transfer-encoding, so the end of its answer is unclear"
    )]
    TwoLengths,
    /// A transfer coding other than `chunked`.
    #[error("the server sent a transfer-encoding other than chunked")]
    TransferCoding,
    /// A compressed body.
    #[error(
        "the server compressed its answer though nothing asked for it: take Accept-Encoding out of --header"
    )]
    ContentCoding,
    /// The body exceeds its limit.
    #[error("the answer is longer than {0} bytes: raise the limit on message size")]
    BodyTooLarge(usize),
    /// HTTP/2: a body that is not as long as its head said.
    #[error("the answer is not as long as its content-length says")]
    LengthMismatch,
    /// A chunk size that is no hexadecimal number, or not followed by CRLF.
    #[error("the server sent a malformed chunk size")]
    BadChunkSize,
    /// The data of a chunk is not followed by CRLF.
    #[error("the server sent a chunk that does not end where its size says")]
    BadChunkEnd,
    /// Chunk extensions or trailers beyond their limit, or with a stray CR or LF.
    #[error("the server sent a malformed or over-long chunk extension or trailer")]
    BadTrailer,
    /// The event stream within is broken.
    #[error(transparent)]
    EventStream(#[from] sse::Broken),
    /// The connection ended in the middle of a head.
    #[error("the server closed the connection in the middle of the head of its answer")]
    EndedInHead,
    /// The connection ended in the middle of a body.
    #[error("the server closed the connection in the middle of its answer")]
    EndedInBody,
}
