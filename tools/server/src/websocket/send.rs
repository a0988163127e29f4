//! How answers leave a WebSocket: at their time, in one flush with others, and with a last word.

use futures_util::SinkExt;
use tokio::io::AsyncReadExt;
use tokio::time::{Duration, timeout};
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message as Frame};

use super::link::Link;
use crate::http::body::frames;
use crate::metrics::{Class, Transport};
use crate::state::Planned;

/// How long a client may take to hear why it is being closed.
const FAREWELL: Duration = Duration::from_secs(1);

impl Link<'_> {
    /// Sends an answer at its time: now, or later from the heap.
    pub(super) async fn answer(
        &mut self,
        id: &str,
        mut planned: Planned,
        now_ns: u64,
    ) -> Result<(), Error> {
        if planned.answer.steps.is_some() {
            let mut messages: Vec<(u64, String)> = frames(self.state, &planned).collect();
            let last = messages.pop();
            for (release_ns, text) in messages {
                self.waiting.push(release_ns, release_ns, id, text, None);
            }
            if let Some((release_ns, text)) = last {
                self.waiting
                    .push(release_ns, planned.done_ns, id, text, Some(planned));
            }
            return self.release(now_ns).await;
        }
        let text = std::mem::take(&mut planned.answer.text);
        if planned.release_ns > now_ns {
            self.waiting
                .push(planned.release_ns, planned.done_ns, id, text, Some(planned));
            return Ok(());
        }
        self.send(text, Some(planned)).await
    }

    /// A message that answers no call, held by a stall like any other.
    pub(super) async fn say(&mut self, text: String, now_ns: u64) -> Result<(), Error> {
        let release_ns = self.state.release_ns(now_ns);
        if release_ns > now_ns {
            self.waiting.push(release_ns, now_ns, "", text, None);
            return Ok(());
        }
        self.send(text, None).await
    }

    /// Sends what may leave by now.
    pub(super) async fn release(&mut self, now_ns: u64) -> Result<(), Error> {
        while let Some(held) = self.waiting.pop(now_ns) {
            self.send(held.text, held.call).await?;
        }
        Ok(())
    }

    /// Puts a message into the buffer; it waits here while a client that does not read has it full.
    pub(super) async fn send(&mut self, text: String, call: Option<Planned>) -> Result<(), Error> {
        if !text.is_empty() {
            self.stream.feed(Frame::text(text)).await?;
            self.unflushed += 1;
        }
        if let Some(mut call) = call {
            self.connection.buffered(call.truth_line.take());
            self.state.count(&call, Transport::WebSocket, false);
        }
        Ok(())
    }

    /// Says why the connection ends, where the client can still hear it.
    pub(super) async fn failed(&mut self, error: Error) {
        let (class, code, reason) = match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => (
                Class::TooLarge,
                CloseCode::Size,
                "the message is larger than this server takes: see --max-frame",
            ),
            Error::Utf8(_) => (Class::BadFrame, CloseCode::Invalid, "the text is not UTF-8"),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Error::Io(_) => return,
            _ => (
                Class::BadFrame,
                CloseCode::Protocol,
                "that is no WebSocket frame",
            ),
        };
        self.state.metrics.error(class);
        self.close(code, reason).await;
    }

    pub(super) async fn close(&mut self, code: CloseCode, reason: &'static str) {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        let farewell = async {
            if self.stream.close(Some(frame)).await.is_ok() {
                // Closing with unread bytes would reset the connection, and the reason with it.
                let mut rest = [0_u8; 4096];
                let socket = self.stream.get_mut();
                while socket.read(&mut rest).await.is_ok_and(|count| count > 0) {}
            }
        };
        let _ = timeout(FAREWELL, farewell).await;
    }
}
