//! An answer, and how it is written.

use serde::Serialize;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The Content-Type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// The methods that the path has, where it was asked with another.
    pub allow: Option<&'static str>,
    /// Whether something is to be done once this is sent.
    pub then_stop: bool,
}

impl Answer {
    /// A sentence, as JSON; what is wrong, or that all is well.
    #[must_use]
    pub fn says(status: u16, text: &str) -> Self {
        let name = if status < 400 { "status" } else { "error" };
        Self::json(status, serde_json::json!({ name: text }).to_string())
    }

    /// A value, as JSON.
    #[must_use]
    pub fn of(status: u16, what: &impl Serialize) -> Self {
        match serde_json::to_string(what) {
            Ok(text) => Self::json(status, text),
            Err(e) => Self::says(500, &e.to_string()),
        }
    }

    /// JSON that is written already.
    #[must_use]
    pub fn json(status: u16, body: String) -> Self {
        Self {
            status,
            content_type: "application/json",
            body,
            allow: None,
            then_stop: false,
        }
    }

    /// As it goes over the wire, the connection's last.
    #[must_use]
    pub fn to_wire(&self) -> String {
        let allow = self
            .allow
            .map_or_else(String::new, |method| format!("allow: {method}\r\n"));
        let challenge = match self.status {
            401 => "www-authenticate: Bearer\r\n",
            _ => "",
        };
        // A 204 has neither body nor length (RFC 9110, 8.6).
        let content = match self.status {
            204 => String::new(),
            _ => format!(
                "content-type: {}\r\ncontent-length: {}\r\n",
                self.content_type,
                self.body.len()
            ),
        };
        format!(
            "HTTP/1.1 {} {}\r\n{content}cache-control: no-store\r\nconnection: close\r\n{allow}{challenge}\r\n{}",
            self.status,
            reason(self.status),
            self.body
        )
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_how_long_it_is_and_one_without_content_does_not() {
        let text = Answer::says(404, "nothing \"here\"").to_wire();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, r#"{"error":"nothing \"here\""}"#);
        assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())));
        let none = Answer::json(204, String::new()).to_wire();
        assert!(none.ends_with("\r\n\r\n") && !none.contains("content-"));
    }
}
