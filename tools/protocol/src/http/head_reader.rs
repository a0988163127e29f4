//! Reads the head of an answer, which nearly always comes whole and is then parsed where it lies.

use std::mem::MaybeUninit;

use super::Broken;

/// The most header lines of one answer.
const MAX_HEADERS: usize = 128;

/// Collects a head that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct HeadReader {
    /// The beginning of a head that was not whole yet.
    kept: Vec<u8>,
}

impl HeadReader {
    /// Whether no byte of a head has come.
    pub(crate) fn is_idle(&self) -> bool {
        self.kept.is_empty()
    }

    /// Takes bytes up to the end of the head and hands the parsed head to `use_head`; `None` when more
    /// bytes are wanted.
    pub(crate) fn next<T>(
        &mut self,
        input: &[u8],
        at: &mut usize,
        limit_bytes: usize,
        use_head: impl FnOnce(&httparse::Response<'_, '_>) -> Result<T, Broken>,
    ) -> Result<Option<T>, Broken> {
        if self.kept.is_empty() {
            // Some servers send a stray line end after a body; one of a thousand answers would fail.
            while matches!(input.get(*at), Some(b'\r' | b'\n')) {
                *at += 1;
            }
            if *at == input.len() {
                return Ok(None);
            }
            let rest = &input[*at..];
            if let Some((length, found)) = parse(rest, limit_bytes, use_head)? {
                *at += length;
                return Ok(Some(found));
            }
            self.kept.extend_from_slice(rest);
            *at = input.len();
            return Ok(None);
        }
        let old = self.kept.len();
        let rest = &input[*at..];
        // What lies beyond the limit cannot be head, and a long body behind it need not be copied.
        let taken = rest.len().min(limit_bytes + 1 - old);
        self.kept.extend_from_slice(&rest[..taken]);
        // A head ends with a line end, so there is nothing new to find without one.
        let has_line_end = memchr::memchr(b'\n', &rest[..taken]).is_some();
        if !has_line_end && self.kept.len() <= limit_bytes {
            *at += taken;
            return Ok(None);
        }
        let Some((length, found)) = parse(&self.kept, limit_bytes, use_head)? else {
            *at += taken;
            return Ok(None);
        };
        *at += length - old;
        self.kept.clear();
        Ok(Some(found))
    }
}

/// Parses a head, if it is whole: its length, and what `use_head` made of it.
fn parse<T>(
    bytes: &[u8],
    limit_bytes: usize,
    use_head: impl FnOnce(&httparse::Response<'_, '_>) -> Result<T, Broken>,
) -> Result<Option<(usize, T)>, Broken> {
    // The headers' slots are filled by the parser; clearing 4 KiB for each answer would cost as much as
    // parsing it.
    let mut slots = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut []);
    let status = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut head, bytes, &mut slots)
        .map_err(|error| match error {
            httparse::Error::HeaderName => {
                Broken::BadHeader("a name with characters it may not have")
            }
            httparse::Error::HeaderValue => Broken::BadHeader("a value with control characters"),
            httparse::Error::TooManyHeaders => Broken::TooManyHeaders(MAX_HEADERS),
            httparse::Error::NewLine => Broken::BadHeader("a line that does not end in CRLF"),
            httparse::Error::Status | httparse::Error::Token | httparse::Error::Version => {
                Broken::NotHttp
            }
        })?;
    match status {
        httparse::Status::Complete(length) if length <= limit_bytes => {
            if head.code.unwrap_or_default() < 100 {
                return Err(Broken::NotHttp);
            }
            Ok(Some((length, use_head(&head)?)))
        }
        httparse::Status::Partial if bytes.len() <= limit_bytes => Ok(None),
        _ => Err(Broken::HeadTooLarge(limit_bytes)),
    }
}
