//! Messages on a connection that carries nothing else: lines, and frames of WebSocket.

use super::Side;
use super::call::{Call, Id};
use super::conversation::{Conversation, Handled, Now};
use super::judge::Source;
use super::look::{self, look};
use super::way::Kind;
use super::{lines, ws};
use protocol::batch;
use protocol::ws::opcode::CLOSE;
use std::borrow::Cow;

impl Conversation {
    /// The client has sent a message, which passes whatever it is: what it asks is remembered.
    pub(super) fn client_link(
        &mut self,
        kind: Kind,
        raw: Option<&[u8]>,
        now: &mut Now<'_>,
    ) -> Handled {
        let Some(raw) = raw else {
            return Handled::Plain;
        };
        let text = match kind {
            Kind::Message => ws::read(raw).text,
            _ => Cow::Borrowed(lines::text(raw).0),
        };
        if batch::is_array(&text) {
            for message in batch::messages(&text).unwrap_or_default() {
                self.asks(message, now);
            }
        } else {
            self.asks(&text, now);
        }
        Handled::Plain
    }

    /// A control frame passes; behind the server's last word nothing counts, so it overtakes no answer that is late.
    pub(super) fn control(&mut self, from: Side, raw: Option<&[u8]>, now: &mut Now<'_>) -> Handled {
        let closes = raw
            .and_then(<[u8]>::first)
            .is_some_and(|first| first & 0xF == CLOSE);
        if from == Side::Server && closes {
            self.release(now);
            self.server.outlet.settle();
        }
        Handled::Plain
    }

    fn asks(&mut self, text: &[u8], now: &mut Now<'_>) {
        let Some(found) = look(text).filter(|found| found.kind != look::Kind::Answer) else {
            return;
        };
        let call = Call::of(&found, 0, &mut now.rules.names);
        if !now.rules.is_empty() {
            now.rules.request_without_http(&call);
        }
        if let (false, Some(id)) = (call.notice, found.id.and_then(Id::of)) {
            now.rules.asked(self.scope(Source::Link), &id, &call);
            self.in_flight.insert(id, call);
        }
    }

    /// The server has sent a message.
    pub(super) fn server_link(
        &mut self,
        kind: Kind,
        raw: Option<&[u8]>,
        held: bool,
        now: &mut Now<'_>,
    ) -> Handled {
        let Some(raw) = raw else {
            return Handled::Plain;
        };
        let message = (kind == Kind::Message).then(|| ws::read(raw));
        let text = match &message {
            Some(message) => &*message.text,
            None => lines::text(raw).0,
        };
        let verdict = self.judge(text, Source::Link, held, now);
        if !held || (verdict.is_plain() && self.held.is_empty()) {
            return Handled::Plain;
        }
        let text = verdict.text.as_deref();
        let bytes = match (&message, text) {
            (_, None) => raw.to_vec(),
            (None, Some(text)) => [text, lines::text(raw).1].concat(),
            (Some(message), Some(text)) => {
                // A ping that came between the fragments is no part of what is changed.
                self.server.outlet.raw(&message.controls, now.us, now.out);
                ws::frame(text)
            }
        };
        self.deliver(bytes, &verdict, now);
        Handled::Done
    }
}
