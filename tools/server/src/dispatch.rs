//! From a method and its parameters to an answer, in the words of the client's era.

use protocol::code;
use protocol::revision::{Era, Revision};

use crate::answer::{About, Answer, Steps};
use crate::level::Level;
use crate::method::Method;
use crate::metrics::Outcome;
use crate::options::{Eras, Options};
use crate::pages::Pages;
use crate::params::Params;
use crate::reply::{self, Caching};
use crate::resources::Resources;
use crate::subscriptions::Instant;
use crate::versions::Versions;
use crate::{prompts, resources, tools};

/// What the server can do, as both handshakes tell it.
const CAPABILITIES: &str = r#""capabilities":{"tools":{"listChanged":false},"resources":{"subscribe":true,"listChanged":false},"prompts":{"listChanged":false},"completions":{},"logging":{}"#;
const INSTRUCTIONS: &str = r#","instructions":"A server to measure against: echo and add are cheap, slow and payload are as told.""#;

/// What is answered without looking at the state of any client.
pub(crate) struct Catalogue {
    eras: Eras,
    tools: Pages,
    pub(crate) resources: Resources,
    pub(crate) versions: Versions,
    resource_list: Pages,
    templates: Pages,
    prompts: Pages,
    supported: String,
}

impl Catalogue {
    pub(crate) fn new(options: &Options) -> Self {
        let lists = options.lists;
        let resources = Resources {
            count: lists.resources.min(10_000),
            size_bytes: lists.resource_bytes.min(tools::LARGEST_TEXT),
        };
        let pages =
            |kind, field, items: Vec<String>| Pages::new(kind, field, &items, lists.page_size);
        let supported = Revision::ALL
            .iter()
            .rev()
            .filter(|revision| options.eras == Eras::Both || revision.era() == Era::Modern)
            .map(|revision| format!("\"{revision}\""))
            .collect::<Vec<_>>()
            .join(",");
        Self {
            eras: options.eras,
            tools: pages("tools", "tools", tools::listed()),
            resources,
            versions: Versions::default(),
            resource_list: pages("resources", "resources", resources.listed()),
            templates: pages("templates", "resourceTemplates", Resources::templates()),
            prompts: pages("prompts", "prompts", prompts::listed()),
            supported,
        }
    }

    /// The eras that are spoken.
    pub(crate) fn speaks(&self, era: Era) -> bool {
        match self.eras {
            Eras::Both => true,
            Eras::Legacy => era == Era::Legacy,
            Eras::Modern => era == Era::Modern,
        }
    }

    /// Answers `initialize` with the revision asked for, or with the latest legacy one.
    pub(crate) fn initialize(&self, id: &str, params: &Params<'_>) -> (Revision, Answer) {
        let revision = params
            .protocol_version
            .as_deref()
            .and_then(|asked| asked.parse::<Revision>().ok())
            .filter(|revision| revision.era() == Era::Legacy)
            .unwrap_or(Revision::LATEST_LEGACY);
        let fields = format!(
            r#""protocolVersion":"{revision}",{CAPABILITIES}}},"serverInfo":{}{INSTRUCTIONS}"#,
            reply::SERVER_INFO
        );
        let text = reply::result(id, Era::Legacy, Caching::Silent, &fields);
        (revision, Answer::done(text))
    }

    /// -32022 for a revision that is not spoken, with those that are (2026-07-28, versioning).
    pub(crate) fn unsupported(&self, id: &str, requested: &str) -> Answer {
        let mut data = format!(r#"{{"supported":[{}],"requested":"#, self.supported);
        reply::push_json(&mut data, requested);
        data.push('}');
        let message = "this protocol version is not supported: use one of data.supported";
        Answer::error(id, code::UNSUPPORTED_PROTOCOL_VERSION, message, Some(&data))
    }

    /// Answers everything but `initialize`.
    /// Subscriptions, which are their client's, are [`State::answer`](crate::state::State::answer)'s business.
    /// Log messages are sent from the level `least` on, without it none.
    pub(crate) fn answer(
        &self,
        era: Era,
        id: &str,
        method: Method,
        params: &Params<'_>,
        least: Option<Level>,
    ) -> Answer {
        let result = |caching, fields: &str| Answer::done(reply::result(id, era, caching, fields));
        let wrong = |sentence: &str| Answer::error(id, code::INVALID_PARAMS, sentence, None);
        match method {
            Method::Ping if era == Era::Legacy => result(Caching::Silent, ""),
            Method::SetLevel if era == Era::Legacy => match params.level.as_deref() {
                Some(level) if Level::named(level).is_some() => result(Caching::Silent, ""),
                _ => wrong(
                    "level is one of debug, info, notice, warning, error, critical, alert, emergency",
                ),
            },
            Method::Discover if era == Era::Modern => result(
                Caching::Allowed,
                &format!(
                    r#""supportedVersions":[{}],{CAPABILITIES}}}{INSTRUCTIONS}"#,
                    self.supported
                ),
            ),
            Method::ToolsList => self.list(&self.tools, era, id, params),
            Method::ResourcesList => self.list(&self.resource_list, era, id, params),
            Method::TemplatesList => self.list(&self.templates, era, id, params),
            Method::PromptsList => self.list(&self.prompts, era, id, params),
            Method::ToolsCall => self.call(era, id, params, least),
            Method::ResourcesRead => match params.uri.as_deref() {
                None => wrong("resources/read needs a uri"),
                Some(uri) => match self.resources.read(uri, &self.versions) {
                    Some(fields) => result(Caching::Allowed, &fields),
                    None => {
                        let (message, data) = resources::missing(uri);
                        let code = match era {
                            Era::Legacy => code::RESOURCE_NOT_FOUND,
                            Era::Modern => code::INVALID_PARAMS,
                        };
                        Answer::error(id, code, &message, Some(&data))
                    }
                },
            },
            Method::PromptsGet => match params.name.as_deref() {
                None => wrong("prompts/get needs a name"),
                Some(name) => match prompts::get(name, params.arguments) {
                    Ok(fields) => result(Caching::Silent, &fields),
                    Err(sentence) => wrong(&sentence),
                },
            },
            Method::Complete => match (&params.reference, &params.argument) {
                (Some(reference), Some(argument)) => match prompts::complete(reference, argument) {
                    Ok(fields) => result(Caching::Silent, &fields),
                    Err(sentence) => wrong(&sentence),
                },
                _ => wrong("completion/complete needs ref and argument"),
            },
            Method::Initialize
            | Method::Ping
            | Method::SetLevel
            | Method::Discover
            | Method::Subscribe
            | Method::Unsubscribe
            | Method::Listen
            | Method::Other => {
                let message = match era {
                    Era::Legacy => "no such method",
                    Era::Modern => "no such method in 2026-07-28",
                };
                Answer::error(id, code::METHOD_NOT_FOUND, message, None)
            }
        }
    }

    fn list(&self, pages: &Pages, era: Era, id: &str, params: &Params<'_>) -> Answer {
        match pages.page(params.cursor.as_deref()) {
            Some(fields) => Answer::done(reply::result(id, era, Caching::Allowed, fields)),
            None => {
                let message =
                    "no such cursor: take nextCursor from the page before, or leave it out";
                Answer::error(id, code::INVALID_PARAMS, message, None)
            }
        }
    }

    fn call(&self, era: Era, id: &str, params: &Params<'_>, least: Option<Level>) -> Answer {
        let Some(name) = params.name.as_deref() else {
            return Answer::error(id, code::INVALID_PARAMS, "tools/call needs a name", None);
        };
        let Some(done) = tools::call(name, params.arguments) else {
            let message = "no such tool: tools/list names them";
            return Answer::error(id, code::INVALID_PARAMS, message, None);
        };
        let result = |fields: &str| Answer::done(reply::result(id, era, Caching::Silent, fields));
        match done {
            tools::Outcome::Done(fields) => result(&fields),
            tools::Outcome::After(own_ns, fields) => Answer {
                own_ns,
                ..result(&fields)
            },
            tools::Outcome::Steps {
                n,
                every_ns,
                fields,
            } => Answer {
                own_ns: u64::from(n) * every_ns,
                steps: params.progress_token().map(|token| {
                    Box::new(Steps {
                        about: About::Progress(token.to_owned()),
                        n,
                        every_ns,
                    })
                }),
                ..result(&fields)
            },
            tools::Outcome::Log { n, level, fields } => Answer {
                steps: least.filter(|least| level >= *least).map(|_| {
                    Box::new(Steps {
                        about: About::Log(level),
                        n,
                        every_ns: 0,
                    })
                }),
                ..result(&fields)
            },
            tools::Outcome::Touch(n) => match self.resources.uri(n) {
                None => Answer {
                    outcome: Outcome::ToolError,
                    ..result(&tools::failed(
                        "there is no such text: resources/list names them",
                    ))
                },
                Some(uri) => {
                    let (version, changed) = (self.versions.touch(n), Instant::now());
                    let fields = tools::touched(&uri, version, changed);
                    Answer {
                        changed: Some(Box::new((uri, changed))),
                        ..result(&fields)
                    }
                }
            },
            tools::Outcome::Failed(fields) => Answer {
                outcome: Outcome::ToolError,
                ..result(&fields)
            },
        }
    }
}
