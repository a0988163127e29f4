//! Batches: arrays of messages, which one revision of MCP has (2025-03-26, JSON-RPC 2.0 section 6).

use thiserror::Error;

use crate::answer::BadMessage;
use crate::json::Reader;

/// The most messages that an array from a server may have: many times what anybody asks for in one.
pub const MAX_MESSAGES: usize = 4_096;

/// Why an array is no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadBatch {
    /// What JSON-RPC calls an invalid request, and no answer either.
    #[error("the batch is empty")]
    Empty,
    /// More than [`MAX_MESSAGES`].
    #[error("the batch has more than {MAX_MESSAGES} messages")]
    TooLong,
    /// It is no JSON, or nested too deep.
    #[error(transparent)]
    Message(#[from] BadMessage),
}

/// Whether a message is an array, as a batch is, whatever is in it.
#[inline]
pub fn is_array(message: &[u8]) -> bool {
    match message.first() {
        Some(b'{') => false,
        _ => message.trim_ascii_start().first() == Some(&b'['),
    }
}

/// The messages of a batch, each to be read by [`crate::answer::read`], which finds out whether it is one.
///
/// # Errors
/// [`BadBatch`]: nothing in it can be told.
pub fn messages(batch: &[u8]) -> Result<Vec<&[u8]>, BadBatch> {
    let text =
        std::str::from_utf8(batch).map_err(|error| BadMessage::NotUtf8(error.valid_up_to()))?;
    let mut reader = Reader::new(text);
    let mut messages = Vec::new();
    let mut is_too_long = false;
    let read = reader.elements(|element| {
        is_too_long |= messages.len() == MAX_MESSAGES;
        if !is_too_long {
            messages.push(element.as_bytes());
        }
    });
    read.map_err(BadMessage::from)?;
    if !reader.at_end() {
        return Err(BadMessage::NotJson(reader.at()).into());
    }
    match messages.len() {
        _ if is_too_long => Err(BadBatch::TooLong),
        0 => Err(BadBatch::Empty),
        _ => Ok(messages),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(batch: &str) -> Result<Vec<&str>, BadBatch> {
        let found = messages(batch.as_bytes())?;
        let texts = found.iter().map(|m| str::from_utf8(m).unwrap());
        Ok(texts.collect())
    }

    #[test]
    fn the_messages_of_a_batch_are_given_as_they_stand() {
        assert_eq!(
            texts(" [ {\"id\":1} ,{\"id\" : [2]}, 3 ,[{}] ]\n"),
            Ok(vec!["{\"id\":1}", "{\"id\" : [2]}", "3", "[{}]"])
        );
        assert!(is_array(b"[") && is_array(b" \n[{}]"));
        assert!(!is_array(b"{\"a\":[]}") && !is_array(b"") && !is_array(b"\"[\""));
    }

    #[test]
    fn what_is_no_batch_is_told_with_a_class() {
        assert_eq!(texts("[ ]"), Err(BadBatch::Empty));
        for broken in ["[", "[{}", "[{},]", "[{}]]", "[{} {}]", "{}", "[1,nul]", ""] {
            let found = texts(broken);
            assert!(
                matches!(found, Err(BadBatch::Message(BadMessage::NotJson(_)))),
                "{broken}: {found:?}"
            );
        }
        let deep = format!("[{}{}]", "[".repeat(200), "]".repeat(200));
        assert_eq!(texts(&deep), Err(BadMessage::TooDeep.into()));
        let most = format!("[{}1]", "1,".repeat(MAX_MESSAGES - 1));
        assert_eq!(texts(&most).map(|m| m.len()), Ok(MAX_MESSAGES));
        let more = format!("[{}1]", "1,".repeat(MAX_MESSAGES));
        assert_eq!(texts(&more), Err(BadBatch::TooLong));
        assert!(matches!(
            messages(b"[\"\xff\"]"),
            Err(BadBatch::Message(BadMessage::NotUtf8(2)))
        ));
    }
}
