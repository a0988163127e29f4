//! What is remembered of the requests of one HTTP connection: their answers come in the same order.

use super::MAX_IN_FLIGHT;
use super::Unsplit;
use super::call::{Call, Id};
use super::cut_stream::CutStream;
use super::header_mismatch::HeaderMismatch;
use super::http::Verb;
use super::http_error::HttpError;
use super::rules::Key;
use std::collections::VecDeque;

/// What is to be done because of a request, and by which fault.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks {
    pub(super) gone: Option<Key>,
    pub(super) replaced: Option<(Key, HttpError)>,
    pub(super) header: Option<(Key, HeaderMismatch)>,
    /// Its answer's Content-Type is to be wrong.
    pub(super) content: Option<Key>,
    pub(super) cut: Option<(Key, CutStream)>,
}

/// A request whose answer is not over.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) verb: Verb,
    pub(super) session: u64,
    /// It asks for another protocol, and whether that is WebSocket.
    pub(super) upgrade: Option<bool>,
    /// What its body asks for; one in nearly all cases.
    calls: Option<(Option<Id>, Call)>,
    more: Vec<(Option<Id>, Call)>,
    pub(super) marks: Marks,
    /// The answer, where the server is not to give one; true where the connection ends with it.
    pub(super) ours: Option<(Vec<u8>, bool)>,
    /// An answer in its stream was left away, so that its end is, too.
    pub(super) lost: bool,
}

impl Exchange {
    pub(super) const fn new(verb: Verb, session: u64, upgrade: Option<bool>) -> Self {
        Self {
            verb,
            session,
            upgrade,
            calls: None,
            more: Vec::new(),
            marks: Marks {
                gone: None,
                replaced: None,
                header: None,
                content: None,
                cut: None,
            },
            ours: None,
            lost: false,
        }
    }

    pub(super) fn asks(&mut self, id: Option<Id>, call: Call) {
        if self.calls.is_none() {
            self.calls = Some((id, call));
        } else {
            self.more.push((id, call));
        }
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = &(Option<Id>, Call)> {
        self.calls.iter().chain(&self.more)
    }

    /// What the answer with this id answers. An error may have none, and then it answers the one request.
    pub(super) fn call(&self, id: Option<&Id>) -> Option<Call> {
        let named = self
            .calls()
            .find(|(asked, _)| asked.as_ref() == id && id.is_some());
        let only = self.calls.as_ref().filter(|_| self.more.is_empty());
        named.or(only).map(|(_, call)| *call)
    }

    /// Whether one answer at most can come.
    pub(super) fn is_single(&self) -> bool {
        self.calls().filter(|(id, _)| id.is_some()).count() <= 1
    }
}

/// All of one connection, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    queue: VecDeque<Exchange>,
    /// The number of the first in the queue.
    first: u64,
}

impl Exchanges {
    /// A request has come: its number.
    pub(super) fn push(&mut self, exchange: Exchange) -> Result<u64, Unsplit> {
        if self.queue.len() >= MAX_IN_FLIGHT {
            return Err(Unsplit);
        }
        self.queue.push_back(exchange);
        Ok(self.first + self.queue.len() as u64 - 1)
    }

    /// `None` where its answer is over already, before the request was.
    pub(super) fn get(&mut self, number: u64) -> Option<&mut Exchange> {
        let at = number.checked_sub(self.first)?;
        self.queue.get_mut(usize::try_from(at).ok()?)
    }

    /// The one whose answer comes next, or is under way.
    pub(super) fn front(&mut self) -> Option<&mut Exchange> {
        self.queue.front_mut()
    }

    pub(super) fn pop(&mut self) -> Option<Exchange> {
        let exchange = self.queue.pop_front()?;
        self.first += 1;
        Some(exchange)
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.first == 0 && self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_an_id_answers_the_one_request_that_there_is() {
        let mut exchange = Exchange::new(Verb::Post, 0, None);
        assert_eq!(exchange.call(None), None);
        exchange.asks(Some(Id::Number(1)), Call::unknown(1));
        assert_eq!(exchange.call(None), Some(Call::unknown(1)));
        exchange.asks(Some(Id::Number(2)), Call::unknown(2));
        assert_eq!(exchange.call(None), None);
        assert_eq!(exchange.call(Some(&Id::Number(2))), Some(Call::unknown(2)));
        assert!(!exchange.is_single());
    }

    #[test]
    fn an_exchange_is_found_by_its_number_until_it_is_over() {
        let mut all = Exchanges::default();
        let numbers: Vec<_> = (0..3)
            .map(|n| all.push(Exchange::new(Verb::Post, n, None)))
            .collect();
        assert_eq!(numbers, [Ok(0), Ok(1), Ok(2)]);
        all.pop();
        assert!(all.get(0).is_none());
        assert_eq!(all.get(2).map(|exchange| exchange.session), Some(2));
        for _ in 2..MAX_IN_FLIGHT {
            assert!(all.push(Exchange::new(Verb::Post, 0, None)).is_ok());
        }
        assert_eq!(all.push(Exchange::new(Verb::Post, 0, None)), Err(Unsplit));
    }
}
