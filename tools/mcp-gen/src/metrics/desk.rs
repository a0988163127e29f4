//! The desk: which answer a request gets.

use super::board::Board;
use super::families;
use super::request::Request;
use super::status::Status;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What requests are answered from.
pub struct Desk {
    board: Arc<Board>,
    /// Whether only this machine can ask: others may look at the metrics and no more.
    is_local: bool,
    stop: Box<dyn Fn() + Send + Sync>,
    stopping: AtomicBool,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The Content-Type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// The method that the path has, where it was asked with another.
    pub allow: Option<&'static str>,
    /// Whether the run is to stop once this is sent.
    pub then_stop: bool,
}

impl Answer {
    /// A sentence, as JSON; what is wrong, or that all is well.
    #[must_use]
    pub fn says(status: u16, text: &str) -> Self {
        let name = if status < 400 { "status" } else { "error" };
        Self::json(status, serde_json::json!({ name: text }).to_string())
    }

    fn json(status: u16, body: String) -> Self {
        Self {
            status,
            content_type: "application/json",
            body,
            allow: None,
            then_stop: false,
        }
    }
}

impl Desk {
    /// A desk; `stop` is called at most once.
    pub fn new(board: Arc<Board>, is_local: bool, stop: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            board,
            is_local,
            stop: Box::new(stop),
            stopping: AtomicBool::new(false),
        }
    }

    /// The answer to a request.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Answer {
        let control = request.path.starts_with("/api/");
        if let (true, Err(text)) = (control, self.may_control(request)) {
            return Answer::says(403, text);
        }
        let allowed = match request.path.as_str() {
            "/metrics" | "/health" | "/api/v1/status" => "GET",
            "/api/v1/stop" => "POST",
            _ => {
                return Answer::says(
                    404,
                    "there are /metrics, /health, /api/v1/status and /api/v1/stop",
                );
            }
        };
        if request.method != allowed {
            return Answer {
                allow: Some(allowed),
                ..Answer::says(405, &format!("use {allowed}"))
            };
        }
        match request.path.as_str() {
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
                let status = Status::of(&snapshot, self.stopping.load(Relaxed));
                match serde_json::to_string(&status) {
                    Ok(text) => Answer::json(200, text),
                    Err(e) => Answer::says(500, &e.to_string()),
                }
            }
            _ => Answer {
                then_stop: true,
                ..Answer::says(202, "no more calls are started; those in flight may finish")
            },
        }
    }

    /// Ends the run before its time, as a first Ctrl-C does.
    pub fn stop(&self) {
        if !self.stopping.swap(true, Relaxed) {
            (self.stop)();
        }
    }

    /// Who may look at the run and end it: a tool on this machine, and no page in its browser, which could reach loopback
    /// from anywhere, under a name of its own if need be.
    fn may_control(&self, request: &Request) -> Result<(), &'static str> {
        if !self.is_local {
            Err("the run is controlled on loopback only: --metrics-addr 127.0.0.1:8888")
        } else if request.from_a_page {
            Err("a page in a browser does not control the run")
        } else if !names_loopback(&request.host) {
            Err("the Host header is to name this machine: use 127.0.0.1 or localhost")
        } else {
            Ok(())
        }
    }
}

fn names_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_this_machine() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1",
            "127.0.0.1:8888",
            "[::1]:8888",
        ] {
            assert!(names_loopback(host), "{host}");
        }
        for host in [
            "",
            ":8888",
            "evil.example:8888",
            "10.0.0.1",
            "localhost.example",
            "[::2]:1",
        ] {
            assert!(!names_loopback(host), "{host}");
        }
    }
}
