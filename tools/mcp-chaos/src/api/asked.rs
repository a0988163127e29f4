//! What a request asks for, read whole before anything is done.

use super::address::{self, Find};
use super::book::MAX_PROXIES;
use super::fields::{self, Fields};
use super::path::Place;
use super::refusal::Refusal;
use super::types::{Stream, Type};
use control::Request;
use serde_json::Value;
use std::net::SocketAddr;

/// A name has at most so many bytes.
const MAX_NAME: usize = 255;

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Asked {
    /// Who we are.
    Version,
    /// What the proxies do, for Prometheus.
    Metrics,
    /// All proxies.
    Proxies,
    /// A proxy.
    Proxy(String),
    /// A new proxy.
    Create(NewProxy),
    /// Proxies that are to be there.
    Populate(Vec<NewProxy>),
    /// All proxies up, no toxics.
    Reset,
    /// Another address, or up or down.
    Change(String, Change),
    /// No such proxy any more.
    Delete(String),
    /// All toxics of a proxy.
    Toxics(String),
    /// A toxic.
    Toxic(String, String),
    /// A new toxic.
    Add(String, NewToxic),
    /// Other attributes; which there are depends on its type.
    Adjust(String, String, Fields),
    /// No such toxic any more.
    Remove(String, String),
}

/// An address behind a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// As the client wrote it.
    pub text: String,
    /// Where that is.
    pub address: SocketAddr,
}

/// A proxy that is to be.
#[derive(Debug, Clone)]
pub struct NewProxy {
    /// Its name.
    pub name: String,
    /// Where it listens; port 0 for any.
    pub listen: SocketAddr,
    /// What is behind it.
    pub upstream: Upstream,
    /// Whether it is up.
    pub enabled: bool,
}

/// What is to be otherwise with a proxy; what is not given stays.
#[derive(Debug, Clone)]
pub struct Change {
    /// Where it listens.
    pub listen: Option<SocketAddr>,
    /// What is behind it.
    pub upstream: Option<Upstream>,
    /// Whether it is up.
    pub enabled: Option<bool>,
}

/// A toxic that is to be.
#[derive(Debug, Clone)]
pub struct NewToxic {
    /// Its name.
    pub name: String,
    /// Its type.
    pub of: &'static Type,
    /// Which way.
    pub stream: Stream,
    /// The share of the connections.
    pub toxicity: f64,
    /// In the order of the type's attributes.
    pub values: Vec<f64>,
}

impl Asked {
    /// Reads a request. Names of hosts are looked up here, where nobody else waits for it.
    ///
    /// # Errors
    /// There is no such path or method, or what was sent cannot be used.
    pub fn read(request: &Request, find: Find) -> Result<Self, Refusal> {
        let place = Place::of(&request.path)?;
        let body = request.body.as_slice();
        Ok(match (place, request.method.as_str()) {
            (Place::Version, "GET") => Self::Version,
            (Place::Metrics, "GET") => Self::Metrics,
            (Place::Proxies, "GET") => Self::Proxies,
            (Place::Proxies, "POST") => {
                Self::Create(new_proxy(&Fields::read(body)?, find, String::new)?)
            }
            (Place::Populate, "POST") => Self::Populate(all_new(body, find)?),
            (Place::Reset, "POST") => Self::Reset,
            (Place::Proxy(name), "GET") => Self::Proxy(name),
            (Place::Proxy(name), "POST" | "PATCH") => {
                Self::Change(name, change(&Fields::read(body)?, find)?)
            }
            (Place::Proxy(name), "DELETE") => Self::Delete(name),
            (Place::Toxics(proxy), "GET") => Self::Toxics(proxy),
            (Place::Toxics(proxy), "POST") => Self::Add(proxy, new_toxic(&Fields::read(body)?)?),
            (Place::Toxic(proxy, name), "GET") => Self::Toxic(proxy, name),
            (Place::Toxic(proxy, name), "POST" | "PATCH") => {
                Self::Adjust(proxy, name, Fields::read(body)?)
            }
            (Place::Toxic(proxy, name), "DELETE") => Self::Remove(proxy, name),
            (place, _) => return Err(place.other_method()),
        })
    }

    /// Whether nothing is changed by it.
    pub const fn only_looks(&self) -> bool {
        matches!(
            self,
            Self::Version
                | Self::Metrics
                | Self::Proxies
                | Self::Proxy(_)
                | Self::Toxics(_)
                | Self::Toxic(..)
        )
    }
}

/// `at` tells which one of several it is.
fn new_proxy(fields: &Fields, find: Find, at: impl Fn() -> String) -> Result<NewProxy, Refusal> {
    let missing = |name: &str| Refusal::missing(&format!("{name}{}", at()));
    let given = |name: &'static str| fields.text(name).map(|text| text.filter(|t| !t.is_empty()));
    let name = given("name")?.ok_or_else(|| missing("name"))?;
    let upstream = given("upstream")?.ok_or_else(|| missing("upstream"))?;
    Ok(NewProxy {
        name: named(name)?,
        listen: address::listen(fields.text("listen")?.unwrap_or_default(), find)?,
        upstream: upstream_of(upstream, find)?,
        enabled: fields.flag("enabled")?.unwrap_or(true),
    })
}

fn all_new(body: &[u8], find: Find) -> Result<Vec<NewProxy>, Refusal> {
    let Value::Array(list) = fields::json(body)? else {
        return Err(Refusal::bad_body("a list of proxies was expected"));
    };
    if list.len() > MAX_PROXIES {
        return Err(too_many_proxies());
    }
    let mut all: Vec<NewProxy> = Vec::with_capacity(list.len());
    for (n, value) in list.into_iter().enumerate() {
        let at = || format!(" at proxy {}", n + 1);
        let new = new_proxy(&Fields::of(value)?, find, at)?;
        if all.iter().any(|other| other.name == new.name) {
            let text = format!("{:?} is there twice: leave one away", new.name);
            return Err(Refusal::bad_body(&text));
        }
        all.push(new);
    }
    Ok(all)
}

/// The refusal of one more proxy.
pub fn too_many_proxies() -> Refusal {
    Refusal::new(
        400,
        format!("there are at most {MAX_PROXIES} proxies: delete some"),
    )
}

fn change(fields: &Fields, find: Find) -> Result<Change, Refusal> {
    let given = |name: &'static str| fields.text(name).map(|text| text.filter(|t| !t.is_empty()));
    Ok(Change {
        listen: given("listen")?
            .map(|text| address::listen(text, find))
            .transpose()?,
        upstream: given("upstream")?
            .map(|text| upstream_of(text, find))
            .transpose()?,
        enabled: fields.flag("enabled")?,
    })
}

fn upstream_of(text: &str, find: Find) -> Result<Upstream, Refusal> {
    Ok(Upstream {
        address: address::upstream(text, find)?,
        text: text.to_owned(),
    })
}

fn new_toxic(fields: &Fields) -> Result<NewToxic, Refusal> {
    let stream = Stream::named(fields.text("stream")?.unwrap_or("downstream"))?;
    let of = Type::named(fields.text("type")?.unwrap_or_default())?;
    let usual: Vec<f64> = of.attributes.iter().map(|(_, usual)| *usual).collect();
    let name = match fields.text("name")? {
        Some(name) if !name.is_empty() => named(name)?,
        _ => format!("{}_{}", of.name, stream.name()),
    };
    Ok(NewToxic {
        name,
        of,
        stream,
        toxicity: fields.number("toxicity")?.unwrap_or(1.0),
        values: values(fields, of, &usual)?,
    })
}

/// The values of a type's attributes; those not given are the `usual` ones.
///
/// # Errors
/// One is no number, or the type has no such attribute.
pub fn values(fields: &Fields, of: &Type, usual: &[f64]) -> Result<Vec<f64>, Refusal> {
    let given = fields.object("attributes")?;
    let names: Vec<&str> = of.attributes.iter().map(|(name, _)| *name).collect();
    if let Some(other) = given.beside(&names) {
        let names = match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        };
        return Err(Refusal::bad_body(&format!(
            "{} has no attribute {other:?}: it has {names}",
            of.name
        )));
    }
    let all = names.iter().zip(usual);
    all.map(|(name, usual)| Ok(given.number(name)?.unwrap_or(*usual)))
        .collect()
}

fn named(name: &str) -> Result<String, Refusal> {
    if name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Refusal::bad_body(&format!(
            "a name has at most {MAX_NAME} bytes, and no control characters"
        )));
    }
    Ok(name.to_owned())
}
