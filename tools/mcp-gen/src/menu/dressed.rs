//! What a profile adds to calls: a token to hear of their progress by, a log level, and the pages after the first.

use super::order::{Portion, Possible};
use crate::profile::{Call, Method};
use protocol::client::Discovery;
use protocol::message::LOG_LEVEL;
use protocol::revision::Era;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The token of a call: what it is of all clients together, since some share a session.
const TOKEN: &str = "{{client}}-{{seq}}";

/// The client and the index that a token names; `None` for one that is none of ours.
#[must_use]
pub fn read_token(token: &str) -> Option<(u32, u64)> {
    let (client, index) = token.split_once('-')?;
    Some((client.parse().ok()?, index.parse().ok()?))
}

impl Portion<'_> {
    /// Whether calls ask for progress, and which share of them does or does not; only those of tools do.
    pub(super) fn ways(&self, calls_tool: bool) -> impl Iterator<Item = (bool, f64)> + use<> {
        let asks = if calls_tool {
            self.profile.progress
        } else {
            0.0
        };
        let ways = [(false, 1.0 - asks), (true, asks)];
        ways.into_iter().filter(|(_, share)| *share > 0.0)
    }

    /// The parameters of a call with what the profile adds; a token makes them a template.
    pub(super) fn dressed(&self, mut params: Value, token: bool, discovery: &Discovery) -> Value {
        let can_log = discovery.server.capabilities.logging;
        let level = self.profile.log_level;
        let level = level.filter(|_| can_log && discovery.dialect.era == Era::Modern);
        let more = [
            ("progressToken", token.then_some(TOKEN)),
            (LOG_LEVEL, level.map(|level| level.name())),
        ];
        for (key, value) in more {
            if let Some(value) = value {
                if !params.is_object() {
                    params = json!({});
                }
                let meta = &mut params["_meta"];
                // What the user has written stays.
                if meta.is_null() || (meta.is_object() && meta.get(key).is_none()) {
                    meta[key] = value.into();
                }
            }
        }
        params
    }

    /// The calls that read a list to its end, or to the last page that is wanted; none where it has one page.
    pub(super) fn pages(&self, method: Method, discovery: &Discovery) -> Vec<Call> {
        let pages = &discovery.catalogue.pages;
        let pages = match method {
            Method::ToolsList => pages.tools,
            Method::ResourcesList => pages.resources,
            Method::TemplatesList => pages.resource_templates,
            Method::PromptsList => pages.prompts,
            _ => 0,
        };
        let last = pages.min(self.profile.pages);
        if last < 2 {
            return Vec::new();
        }
        let cursor = |page: usize| format!("cursor_of_page_{page}");
        let page = |page: usize| Call {
            method: method.name().to_owned(),
            tool: None,
            arguments: None,
            params: (page > 1).then(|| json!({ "cursor": format!("{{{{{}}}}}", cursor(page)) })),
            weight: None,
            take: (page < last)
                .then(|| (cursor(page + 1), "/nextCursor".to_owned()))
                .into_iter()
                .collect(),
        };
        (1..=last).map(page).collect()
    }
}

/// A value in which no string is taken for a template.
pub fn literal(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("{{", "{{open}}")),
        Value::Array(items) => items.into_iter().map(literal).collect(),
        Value::Object(members) => members.into_iter().map(|(k, v)| (k, literal(v))).collect(),
        other => other,
    }
}

/// What can be completed at a server: each argument of its prompts, and each variable of its templates, with nothing
/// typed yet.
pub fn completions(discovery: &Discovery) -> Vec<Possible> {
    let catalogue = &discovery.catalogue;
    let prompts = catalogue.prompts.iter().flat_map(|prompt| {
        let of = json!({ "type": "ref/prompt", "name": prompt.name });
        let arguments = prompt.arguments.iter();
        arguments.map(move |argument| (of.clone(), argument.name.clone()))
    });
    let templates = catalogue.resource_templates.iter().flat_map(|template| {
        let of = json!({ "type": "ref/resource", "uri": template.uri_template });
        let variables = variables(&template.uri_template);
        variables.into_keys().map(move |name| (of.clone(), name))
    });
    let all = prompts.chain(templates);
    all.map(|(of, name)| {
        Possible::plain(json!({ "ref": of, "argument": { "name": name, "value": "" } }))
    })
    .collect()
}

/// The variables of a URI template (RFC 6570), each once.
fn variables(template: &str) -> BTreeMap<String, ()> {
    let expressions = template
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next());
    let names = expressions.flat_map(|e| {
        e.trim_start_matches(['+', '#', '.', '/', ';', '?', '&'])
            .split(',')
    });
    let plain = names.map(|name| name.split(':').next().unwrap_or(name).trim_end_matches('*'));
    plain
        .filter(|name| !name.is_empty())
        .map(|name| (name.to_owned(), ()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_a_template_are_found_whatever_stands_around_them() {
        let names: Vec<String> = variables("x://{a}/{+b,c*}{?d:3,a}/{}")
            .into_keys()
            .collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_token_tells_client_and_call_and_nothing_else_is_one() {
        assert_eq!(read_token("3-17"), Some((3, 17)));
        for other in ["", "3", "3-", "-17", "a-1", "3-17-1"] {
            assert_eq!(read_token(other), None, "{other}");
        }
    }
}
