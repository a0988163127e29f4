//! Asks for the lists that a server announces, page by page, with an end to everything.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use super::Options;
use super::connect::{Deadline, Lost};
use super::error::DiscoveryError;
use super::link::Said;
use super::meet::Met;
use crate::catalogue::{Catalogue, Prompt, Resource, ResourceTemplate, Tool};
use crate::code;
use crate::endpoint::Endpoint;
use crate::message::{self, ClientInfo};

const MAX_PAGES: usize = 100;
const MAX_ITEMS: usize = 10_000;
/// So often a page is asked for that fails.
const TRIES: u32 = 3;
/// Between two of these.
const PAUSE: Duration = Duration::from_millis(200);
const TEMPLATES: &str = "resources/templates/list";

/// Fetches whatever the server announces.
pub(super) fn fetch(
    met: &mut Met,
    endpoint: &Endpoint,
    options: &Options,
    deadline: Deadline,
) -> Result<Catalogue, DiscoveryError> {
    let mut pager = Pager {
        met,
        client: ClientInfo::named(&options.client_name),
        deadline,
        ended: None,
    };
    let announced = pager.met.server.capabilities;
    let mut catalogue = Catalogue::default();
    if announced.tools {
        (catalogue.tools, catalogue.pages.tools) =
            pager.all("tools/list", "tools", Tool::from_json);
    }
    if announced.resources {
        (catalogue.resources, catalogue.pages.resources) =
            pager.all("resources/list", "resources", Resource::from_json);
        (
            catalogue.resource_templates,
            catalogue.pages.resource_templates,
        ) = pager.all(TEMPLATES, "resourceTemplates", ResourceTemplate::from_json);
    }
    if announced.prompts {
        (catalogue.prompts, catalogue.pages.prompts) =
            pager.all("prompts/list", "prompts", Prompt::from_json);
    }
    match pager.ended {
        Some(End::Lost(lost)) => Err(lost.tell(endpoint, options)),
        Some(End::Failed { method, said }) => Err(DiscoveryError::ListFailed {
            method,
            said,
            tries: TRIES,
        }),
        None => Ok(catalogue),
    }
}

/// Why nothing more is asked.
enum End {
    /// The connection is gone.
    Lost(Lost),
    /// A list failed each time it was asked for.
    Failed { method: String, said: String },
}

struct Pager<'a> {
    met: &'a mut Met,
    client: ClientInfo,
    deadline: Deadline,
    ended: Option<End>,
}

impl Pager<'_> {
    /// All items of a list, and how many pages they came on.
    fn all<T>(
        &mut self,
        method: &str,
        key: &str,
        item: fn(&Value) -> Option<T>,
    ) -> (Vec<T>, usize) {
        let mut items = Vec::new();
        let mut pages = 0;
        let mut seen = HashSet::new();
        let mut cursor: Option<String> = None;
        for page in 0.. {
            if page == MAX_PAGES || items.len() > MAX_ITEMS {
                let found = items.len().min(MAX_ITEMS);
                self.note(format!(
                    "{method} has more than {MAX_PAGES} pages or {MAX_ITEMS} items: the first {found} are used"
                ));
                break;
            }
            let Some(result) = self.page(method, cursor.as_deref()) else {
                break;
            };
            pages += 1;
            match result.get(key).and_then(Value::as_array) {
                Some(entries) => items.extend(entries.iter().filter_map(item)),
                None => {
                    self.note(format!("the answer to {method} has no list {key:?}"));
                    break;
                }
            }
            // An empty cursor is a cursor; null is how some serializers write none.
            let Some(next) = result.get("nextCursor").and_then(Value::as_str) else {
                break;
            };
            if !seen.insert(next.to_owned()) {
                self.note(format!(
                    "{method} gave out the same cursor twice: what came before is used"
                ));
                break;
            }
            cursor = Some(next.to_owned());
        }
        items.truncate(MAX_ITEMS);
        (items, pages)
    }

    /// One page of a list. What fails is asked again: without it the server would seem to offer less than it does.
    fn page(&mut self, method: &str, cursor: Option<&str>) -> Option<Value> {
        if self.ended.is_some() {
            return None;
        }
        let mut said = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                std::thread::sleep(PAUSE);
            }
            match self.ask(method, cursor) {
                Ok(Said::Result(result)) => return Some(result),
                Ok(Said::Error { code, message, .. }) => {
                    said = format!("error {code} ({message})");
                    if code == code::METHOD_NOT_FOUND {
                        // Many servers have resources and have never heard of templates.
                        if method != TEMPLATES {
                            self.note(format!("the server answers {method} with {said}"));
                        }
                        return None;
                    }
                }
                Ok(Said::Refused { status, .. }) => said = format!("HTTP {status}"),
                Ok(Said::Nonsense(what)) => said = format!("what is no MCP ({what})"),
                Err(lost) => {
                    self.ended = Some(End::Lost(lost));
                    return None;
                }
            }
        }
        if method == TEMPLATES {
            self.note(format!("the server answers {method} with {said}"));
        } else {
            let method = method.to_owned();
            self.ended = Some(End::Failed { method, said });
        }
        None
    }

    fn ask(&mut self, method: &str, cursor: Option<&str>) -> Result<Said, Lost> {
        self.met.last_id += 1;
        let id = self.met.last_id;
        let message = message::list(id, method, cursor, &self.met.dialect, &self.client);
        self.met.link.ask(id, method, &message, self.deadline)
    }

    fn note(&mut self, sentence: String) {
        self.met.notes.push(sentence);
    }
}
