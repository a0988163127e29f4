//! A call rendered once: from one sending to the next only its id changes.

use serde_json::{Map, Value, json};

use crate::dialect::Dialect;
use crate::header;
use crate::http::Routing;
use crate::message::ClientInfo;
use crate::revision::{Era, Revision};

const PREFIX: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":";

/// A request, ready but for its id, so that sending it copies bytes and allocates nothing.
#[derive(Clone, Debug)]
pub struct Template {
    method: String,
    name: Option<String>,
    encoded_name: Option<String>,
    params: Vec<(String, String)>,
    suffix: Vec<u8>,
}

impl Template {
    /// Renders a call in `dialect` in the name of mcp-gen; see [`Template::by`].
    pub fn new(method: &str, params: Value, dialect: &Dialect) -> Self {
        Self::by(method, params, dialect, &ClientInfo::default())
    }

    /// Renders a call in `dialect`; the modern era adds revision, capabilities (none) and `client`
    /// to `params._meta`. `params` is an object, or null for none; members of `_meta` that it
    /// brings along stay as they are.
    pub fn by(method: &str, params: Value, dialect: &Dialect, client: &ClientInfo) -> Self {
        let name = ["name", "uri"]
            .iter()
            .find_map(|key| params.get(key)?.as_str())
            .map(str::to_owned);
        let encoded_name = name
            .as_deref()
            .filter(|_| header::wants_name(method))
            .map(|name| header::encode_value(name).into_owned());
        let params = match dialect.era {
            Era::Legacy => params,
            Era::Modern => with_meta(params, dialect.revision, client),
        };
        let mut suffix = format!(",\"method\":{}", Value::from(method)).into_bytes();
        if !params.is_null() {
            suffix.extend_from_slice(b",\"params\":");
            suffix.extend_from_slice(params.to_string().as_bytes());
        }
        suffix.push(b'}');
        Self {
            method: method.to_owned(),
            name,
            encoded_name,
            params: Vec::new(),
            suffix,
        }
    }

    /// The same, with the `Mcp-Param-…` headers that the tool's schema asks for beside `arguments`.
    #[must_use]
    pub fn with_param_headers(self, input_schema: &Value, arguments: &Value) -> Self {
        Self {
            params: header::params(input_schema, arguments),
            ..self
        }
    }

    /// What its request says in headers, in the modern era.
    pub fn routing(&self) -> Routing<'_> {
        Routing {
            method: &self.method,
            name: self.encoded_name(),
            params: &self.params,
        }
    }

    /// The method, for labels and for the `Mcp-Method` header.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// What the call is about: `params.name` or `params.uri`.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The value of the `Mcp-Name` header, for the methods that carry one in the modern era.
    pub fn encoded_name(&self) -> Option<&str> {
        self.encoded_name.as_deref()
    }

    /// All that comes behind the id, for whoever makes one that differs from call to call.
    pub fn suffix(&self) -> &[u8] {
        &self.suffix
    }

    /// The length of the message with this id, in bytes.
    pub fn body_len(&self, id: u64) -> usize {
        Self::len_around(id, &self.suffix)
    }

    /// The length of a message with this id and suffix, in bytes.
    pub fn len_around(id: u64, suffix: &[u8]) -> usize {
        let digits = id.checked_ilog10().unwrap_or(0) as usize + 1;
        PREFIX.len() + digits + suffix.len()
    }

    /// The pieces of a message with this id and suffix, for a framer that gathers.
    pub fn parts_around<'a>(id: u64, digits: &'a mut IdDigits, suffix: &'a [u8]) -> [&'a [u8]; 3] {
        [PREFIX, digits.render(id), suffix]
    }

    /// Appends the message with this id.
    pub fn write(&self, id: u64, out: &mut Vec<u8>) {
        for part in self.parts(id, &mut IdDigits::new()) {
            out.extend_from_slice(part);
        }
    }

    /// The message with this id in pieces, for a framer that gathers.
    pub fn parts<'a>(&'a self, id: u64, digits: &'a mut IdDigits) -> [&'a [u8]; 3] {
        Self::parts_around(id, digits, &self.suffix)
    }
}

/// Room for the digits of an id.
#[derive(Clone, Debug, Default)]
pub struct IdDigits([u8; 20]);

impl IdDigits {
    /// Room on the stack.
    pub const fn new() -> Self {
        Self([0; 20])
    }

    /// The digits of a number.
    pub fn render(&mut self, mut id: u64) -> &[u8] {
        let mut at = self.0.len();
        loop {
            at -= 1;
            self.0[at] = b'0' + (id % 10) as u8;
            id /= 10;
            if id == 0 {
                return &self.0[at..];
            }
        }
    }
}

/// Adds what each modern request says about its sender (2026-07-28, base protocol).
pub(crate) fn with_meta(params: Value, revision: Revision, client: &ClientInfo) -> Value {
    let mut params = match params {
        Value::Object(params) => params,
        Value::Null => Map::new(),
        // Positional parameters have no place for `_meta`; the server will say what it thinks of them.
        other => return other,
    };
    let meta = params.entry("_meta").or_insert_with(|| json!({}));
    if let Value::Object(meta) = meta {
        for (key, value) in [
            ("protocolVersion", json!(revision.as_str())),
            ("clientCapabilities", json!({})),
            ("clientInfo", client.to_json()),
        ] {
            meta.entry(format!("io.modelcontextprotocol/{key}"))
                .or_insert(value);
        }
    }
    Value::Object(params)
}
