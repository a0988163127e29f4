//! What a client says that it sends and takes: Content-Type and Accept.

use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{HeaderMap, StatusCode};

use super::refusal::Refusal;
use crate::metrics::Class;

/// A POST must say that it is JSON.
///
/// # Errors
/// 415 for anything else.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim());
    if essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let sentence = "the Content-Type of a POST must be application/json";
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Class::UnsupportedMediaType,
        sentence,
    )
    .closing())
}

/// The forms of answer that a client takes.
#[derive(Clone, Copy)]
pub(super) struct Accepts {
    pub(super) json: bool,
    pub(super) events: bool,
}

impl Accepts {
    /// Lenient, as half of the servers out there: without the header a client takes anything.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut accepts = Self::named(headers);
        if !headers.contains_key(ACCEPT) {
            accepts = Self {
                json: true,
                events: true,
            };
        }
        if accepts.json || accepts.events {
            return Ok(accepts);
        }
        let sentence = "Accept must list application/json, text/event-stream, or both";
        Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, Class::NotAcceptable, sentence).closing())
    }

    /// What the header names.
    fn named(headers: &HeaderMap) -> Self {
        let mut accepts = Self {
            json: false,
            events: false,
        };
        let values = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok());
        for range in values.flat_map(|value| value.split(',')) {
            match range.split(';').next().unwrap_or_default().trim() {
                "*/*" => {
                    accepts = Self {
                        json: true,
                        events: true,
                    }
                }
                range if matches(range, "application/json", "application/*") => accepts.json = true,
                range if matches(range, "text/event-stream", "text/*") => accepts.events = true,
                _ => {}
            }
        }
        accepts
    }
}

fn matches(range: &str, exact: &str, wild: &str) -> bool {
    range.eq_ignore_ascii_case(exact) || range == wild
}
