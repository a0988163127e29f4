//! The desk: which answer a request gets.

use super::board::Board;
use super::families;
use super::status::Status;
use crate::steer::{Order, Refusal, Turn};
use control::{Answer, Callers, Request, Token};
use record::units;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::time::Duration;

/// What a request wants of the run.
#[derive(Debug)]
pub enum Demand {
    /// Its end, as a first Ctrl-C brings it; told at most once.
    Stop,
    /// Another load; the answer goes back at once.
    Steer(Order, SyncSender<Result<Turn, Refusal>>),
}

/// What requests are answered from.
pub struct Desk {
    board: Arc<Board>,
    /// Who may look at the run and change it.
    callers: Callers,
    tell: Box<dyn Fn(Demand) + Send + Sync>,
    stopping: AtomicBool,
}

/// The paths that there are, with the method of each.
const PATHS: [(&str, &str); 7] = [
    ("/metrics", "GET"),
    ("/health", "GET"),
    ("/api/v1/status", "GET"),
    ("/api/v1/stop", "POST"),
    ("/api/v1/pause", "POST"),
    ("/api/v1/resume", "POST"),
    ("/api/v1/rate", "PUT"),
];

/// The main thread answers within moments, unless whoever reads its stream makes it wait.
const PATIENCE: Duration = Duration::from_secs(2);

impl Desk {
    /// A desk that tells what is wanted of the run.
    pub fn new(
        board: Arc<Board>,
        is_local: bool,
        token: Option<Token>,
        tell: impl Fn(Demand) + Send + Sync + 'static,
    ) -> Self {
        Self {
            board,
            callers: Callers {
                is_local,
                token,
                token_option: "--metrics-token-file",
                what: "the run",
                local_option: "--metrics-addr 127.0.0.1:8888",
            },
            tell: Box::new(tell),
            stopping: AtomicBool::new(false),
        }
    }

    /// The answer to a request.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Answer {
        let control = request.path.starts_with("/api/");
        if let (true, Err((status, text))) = (control, self.callers.may(request)) {
            return Answer::says(status, &text);
        }
        let Some((path, allowed)) = PATHS.iter().find(|(path, _)| *path == request.path) else {
            let paths = PATHS.map(|(path, _)| path).join(", ");
            return Answer::says(404, &format!("there are {paths}"));
        };
        if request.method != *allowed {
            return Answer {
                allow: Some(allowed),
                ..Answer::says(405, &format!("use {allowed}"))
            };
        }
        match *path {
            "/health" => Answer::says(200, "ok"),
            "/metrics" => match families::text(&self.board.read()) {
                Ok(text) => Answer {
                    content_type: "text/plain; version=0.0.4; charset=utf-8",
                    ..Answer::json(200, text)
                },
                Err(text) => Answer::says(500, &text),
            },
            "/api/v1/status" => {
                let snapshot = self.board.read();
                Answer::of(200, &Status::of(&snapshot, self.stopping.load(Relaxed)))
            }
            "/api/v1/pause" => self.steer(Order::Pause),
            "/api/v1/resume" => self.steer(Order::Resume),
            "/api/v1/rate" => match rate(&request.body) {
                Ok(per_s) => self.steer(Order::Rate(per_s)),
                Err(text) => Answer::says(400, &text),
            },
            _ => Answer {
                then_stop: true,
                ..Answer::says(202, "no more calls are started; those in flight may finish")
            },
        }
    }

    /// Passes an order on to the main thread, and its answer back.
    fn steer(&self, order: Order) -> Answer {
        let (reply, answer) = mpsc::sync_channel(1);
        (self.tell)(Demand::Steer(order, reply));
        match answer.recv_timeout(PATIENCE) {
            Ok(Ok(turn)) => Answer::of(202, &turn),
            Ok(Err(Refusal { status, text })) => Answer::says(status, &text),
            Err(RecvTimeoutError::Disconnected) => Answer::says(409, "the run is over"),
            Err(RecvTimeoutError::Timeout) => Answer::says(
                503,
                "the run is busy and may still do so; GET /api/v1/status tells",
            ),
        }
    }

    /// Ends the run before its time, as a first Ctrl-C does.
    pub fn stop(&self) {
        if !self.stopping.swap(true, Relaxed) {
            (self.tell)(Demand::Stop);
        }
    }
}

/// Reads `{"rate": "500/s"}`, or a bare number of calls per second.
fn rate(body: &[u8]) -> Result<f64, String> {
    const FORM: &str = r#"write it as {"rate": "500/s"}, the calls of all clients together"#;
    let json: Value =
        serde_json::from_slice(body).map_err(|e| format!("the body is no JSON ({e}): {FORM}"))?;
    let per_s = match &json["rate"] {
        Value::String(text) => units::rate(text).map_err(|e| format!("{e}; {FORM}"))?,
        Value::Number(n) => n.as_f64().unwrap_or(f64::NAN),
        _ => return Err(FORM.to_owned()),
    };
    if per_s.is_finite() && per_s > 0.0 {
        Ok(per_s)
    } else {
        Err("a rate is more than 0; POST /api/v1/pause is for none".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_text_with_a_unit_or_a_number_and_more_than_nothing() {
        for (body, per_s) in [
            (r#"{"rate":"500/s"}"#, 500.0),
            (r#"{"rate":"30k/m"}"#, 500.0),
            (r#"{"rate": 12.5}"#, 12.5),
        ] {
            assert_eq!(rate(body.as_bytes()), Ok(per_s), "{body}");
        }
        for body in [
            "",
            "500",
            "{}",
            r#"{"rate":0}"#,
            r#"{"rate":-1}"#,
            r#"{"rate":"0/s"}"#,
            r#"{"rate":1e999}"#,
            r#"{"rate":"fast"}"#,
            r#"{"rate":null}"#,
        ] {
            assert!(rate(body.as_bytes()).is_err(), "{body}");
        }
    }
}
