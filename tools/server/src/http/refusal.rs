//! An HTTP request that is turned away: the status, the class it counts under, and a sentence that helps.

use std::borrow::Cow;

use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use protocol::code;

use super::body::AnswerBody;
use crate::metrics::Class;
use crate::reply;

/// Why there is no ordinary answer.
pub(crate) struct Refusal {
    status: StatusCode,
    pub(crate) class: Class,
    code: i64,
    /// JSON.
    id: String,
    sentence: Cow<'static, str>,
    /// What may be done instead, for 405.
    allow: Option<&'static str>,
    /// The rest of the request is still on its way, so the connection ends.
    closes: bool,
}

impl Refusal {
    pub(crate) fn new(
        status: StatusCode,
        class: Class,
        sentence: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            class,
            code: code::INVALID_REQUEST,
            id: String::from("null"),
            sentence: sentence.into(),
            allow: None,
            closes: false,
        }
    }

    pub(crate) fn code(mut self, code: i64) -> Self {
        self.code = code;
        self
    }

    /// The request that is refused, by its id's JSON.
    pub(crate) fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    pub(crate) fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    pub(crate) fn allowing(mut self, methods: &'static str) -> Self {
        self.allow = Some(methods);
        self
    }

    pub(crate) fn into_response(self) -> Response<AnswerBody> {
        let text = reply::error(&self.id, self.code, &self.sentence, None);
        let mut response = Response::new(AnswerBody::full(text));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(methods) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(methods));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
