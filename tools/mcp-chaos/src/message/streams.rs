//! HTTP+SSE of 2024-11-05: requests come on connections of their own, and all answers on a stream of events. What was
//! asked is kept here, by the address that the stream has told its client to post to.

use super::MAX_IN_FLIGHT;
use super::call::{Call, Id};
use super::in_flight::InFlight;
use crate::dice;
use std::collections::{HashMap, VecDeque};

/// All streams of one target.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: HashMap<u64, InFlight>,
    /// The oldest first: it makes room where there are too many.
    order: VecDeque<u64>,
}

impl Streams {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// A stream has told its address: the stream's number.
    pub(super) fn open(&mut self, address: &str) -> u64 {
        let key = key(address);
        if self.open.insert(key, InFlight::default()).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > MAX_IN_FLIGHT {
            if let Some(oldest) = self.order.pop_front() {
                self.open.remove(&oldest);
            }
        }
        key
    }

    pub(super) fn close(&mut self, key: u64) {
        if self.open.remove(&key).is_some() {
            self.order.retain(|other| *other != key);
        }
    }

    /// The stream that answers what is posted to this address.
    pub(super) fn of(&self, address: &str) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let key = key(address);
        self.open.contains_key(&key).then_some(key)
    }

    pub(super) fn asked(&mut self, key: u64, id: Id, call: Call) {
        if let Some(calls) = self.open.get_mut(&key) {
            calls.insert(id, call);
        }
    }

    /// The answer to this request is not to pass.
    pub(super) fn void(&mut self, key: u64, id: &Id) {
        if let Some(calls) = self.open.get_mut(&key)
            && let Some(call) = calls.get(id)
        {
            call.void = true;
        }
    }

    pub(super) fn answered(&mut self, key: u64, id: &Id) -> Option<Call> {
        self.open.get_mut(&key)?.take(id)
    }
}

/// The number of the session that an address names: what stands behind its last `=` or `/`.
pub(super) fn session(address: &str) -> u64 {
    let id = address.rsplit(['=', '/']).next().unwrap_or_default();
    dice::named(id).max(1)
}

/// An address may be told whole or from its path on; requests have the path.
fn key(address: &str) -> u64 {
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => address,
    };
    dice::named(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_posted_is_found_by_the_address_that_the_stream_told() {
        let mut streams = Streams::default();
        let key = streams.open("http://127.0.0.1:80/messages/?session_id=a1");
        assert_eq!(streams.of("/messages/?session_id=a1"), Some(key));
        assert_eq!(streams.of("/messages/?session_id=a2"), None);
        streams.asked(key, Id::Number(1), Call::unknown(5));
        let call = streams.answered(key, &Id::Number(1));
        assert_eq!(call, Some(Call::unknown(5)));
        streams.close(key);
        assert!(streams.is_empty() && streams.order.is_empty());
        assert_eq!(session("/m?session_id=a1"), session("/m/a1"));
    }
}
