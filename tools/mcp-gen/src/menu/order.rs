//! What is to be called at a server: what the profiles and the command line want of what it offers.

use super::dressed::{completions, literal};
use super::fill::{Fill, compile, plain};
use super::placeholder::Scope;
use super::{Dish, Hearing, Item, Labels, Menu};
use crate::cli::Cli;
use crate::profile::{ANY_TOOL, Method, Profile};
use protocol::catalogue::{Catalogue, Tool};
use protocol::client::Discovery;
use protocol::revision::Era;
use protocol::schema::{self, Want};
use protocol::template::Template;
use record::kind::Warning;
use serde_json::{Value, json};

/// A call that is possible at a server, before it is rendered.
pub(super) struct Possible {
    /// Beside the others of its method.
    weight: f64,
    tool: Option<String>,
    params: Value,
}

impl Possible {
    pub(super) fn plain(params: Value) -> Self {
        Self {
            weight: 1.0,
            tool: None,
            params,
        }
    }
}

/// The key in `_meta` under which calls without arguments carry payload.
const PADDING: &str = "mcpipe/padding";

fn left_out(method: Method, why: &str) -> Warning {
    let text = format!(
        "{why} {}; its share goes to the other methods",
        method.name()
    );
    Warning::new("method_left_out", text)
}

/// What the user wants to be called.
pub struct Order<'a> {
    /// The profiles, one a group.
    pub profiles: &'a [Profile],
    /// Methods, tools and arguments from the command line.
    pub cli: &'a Cli,
    /// The seed of generated arguments.
    pub seed: u64,
    /// The head of the token that each call carries, in a run that is audited.
    pub token: Option<&'a str>,
}

impl Order<'_> {
    /// The menu at a server with this catalogue. Methods that it cannot serve give their share to the others, with a
    /// warning.
    ///
    /// # Errors
    /// A sentence when a method or a tool named by the user is not there.
    pub fn menu(
        &self,
        discovery: &Discovery,
        labels: &mut Labels,
    ) -> Result<(Menu, Vec<Warning>), String> {
        let mut menu = Menu::default();
        let mut warnings: Vec<Warning> = Vec::new();
        for (group, profile) in self.profiles.iter().enumerate() {
            let portion = Portion {
                profile,
                cli: self.cli,
                seed: self.seed,
                token: self.token,
            };
            let mut told = Vec::new();
            let items = portion.items(discovery, group as u16, labels, &mut told)?;
            menu.add(items, Hearing::of(profile, discovery, &mut told));
            for warning in told {
                // What is so for several profiles is told once.
                if !warnings.iter().any(|w| w.text == warning.text) {
                    warnings.push(warning);
                }
            }
        }
        Ok((menu, warnings))
    }
}

/// The part of the order that one profile has.
pub(super) struct Portion<'a> {
    pub(super) profile: &'a Profile,
    pub(super) cli: &'a Cli,
    seed: u64,
    pub(super) token: Option<&'a str>,
}

impl Portion<'_> {
    fn items(
        &self,
        discovery: &Discovery,
        group: u16,
        labels: &mut Labels,
        warnings: &mut Vec<Warning>,
    ) -> Result<Vec<Item>, String> {
        let dialect = &discovery.dialect;
        let mut items = self.spelled_out(discovery, group, labels, warnings)?;
        let methods = self.methods(dialect.era)?;
        // One that the era does not know is no loss where its counterpart of the other era is called.
        let has_cheapest = methods
            .iter()
            .any(|(m, _)| *m == Method::cheapest(dialect.era));
        for (method, weight) in methods {
            let foreign = method.only_in().is_some_and(|era| era != dialect.era);
            if foreign && has_cheapest {
                continue;
            }
            let calls = if foreign {
                warnings.push(left_out(method, "the era that the server speaks has no"));
                Vec::new()
            } else {
                self.calls(method, discovery, warnings)?
            };
            let pages = self.pages(method, discovery);
            if !pages.is_empty() && !calls.is_empty() {
                let dishes = self.steps(&pages, true, false, discovery, group, labels)?;
                let weight = f64::from(weight);
                items.push(Item { weight, dishes });
                continue;
            }
            let whole: f64 = calls.iter().map(|c| c.weight).sum();
            for call in calls {
                let label = labels.index(group, method.name(), call.tool.as_deref());
                let schema = call
                    .tool
                    .as_deref()
                    .and_then(|name| discovery.catalogue.tools.iter().find(|t| t.name == name))
                    .map(|tool| &tool.input_schema);
                for (has_token, share) in self.ways(call.tool.is_some()) {
                    items.push(Item::one(
                        f64::from(weight) * call.weight / whole * share,
                        label,
                        self.render(&call, method.name(), schema, has_token, discovery)?,
                    ));
                }
            }
        }
        if items.is_empty() {
            // Better some load than none: every server can answer this.
            let method = Method::cheapest(dialect.era).name();
            warnings.push(
                Warning::new("nothing_to_call", format!("the server offers nothing that the profile {} calls; {method} is called instead", self.profile.name))
                    .remedy("name a tool with --tool, or use --all-tools"),
            );
            items.push(Item::one(
                1.0,
                labels.index(group, method, None),
                plain(method, Value::Null, None, dialect, self.token)?,
            ));
        }
        Ok(items)
    }

    /// A call in which at most tokens differ from one time to the next.
    fn render(
        &self,
        call: &Possible,
        method: &str,
        schema: Option<&Value>,
        has_token: bool,
        discovery: &Discovery,
    ) -> Result<(Template, Option<Fill>), String> {
        let dialect = &discovery.dialect;
        let params = call.params.clone();
        if !has_token {
            let params = self.dressed(params, false, discovery);
            return plain(method, params, schema, dialect, self.token);
        }
        let mut scope = Scope {
            token: self.token,
            ..Scope::default()
        };
        let params = self.dressed(literal(params), true, discovery);
        compile(method, params, schema, dialect, &mut scope)
    }

    /// The methods that are called, with their weights: the profile's, as far as the command line wants them. The cheapest
    /// one of the era may always be named.
    fn methods(&self, era: Era) -> Result<Vec<(Method, u32)>, String> {
        let called = || self.profile.methods.iter().filter(|(_, w)| **w > 0);
        let mut more = None;
        for named in &self.cli.method {
            let spelled_out = self.profile.calls.iter().map(|c| c.get_ref());
            let steps = self
                .profile
                .sequences
                .iter()
                .flat_map(|s| &s.get_ref().steps);
            if called().any(|(m, _)| m.name() == named)
                || spelled_out.chain(steps).any(|c| c.method == *named)
            {
                continue;
            }
            if [Method::Ping, Method::Discover]
                .iter()
                .any(|m| m.name() == named)
            {
                more = Some((Method::cheapest(era), 1));
            } else {
                let known: Vec<_> = called().map(|(m, _)| m.name()).collect();
                return Err(format!(
                    "the profile {} does not call {named:?}; it calls: {}",
                    self.profile.name,
                    known.join(", ")
                ));
            }
        }
        let wanted = |method: &Method| {
            self.cli.method.is_empty() || self.cli.method.iter().any(|named| named == method.name())
        };
        Ok(called()
            .filter(|(method, _)| wanted(method))
            .map(|(method, weight)| (*method, *weight))
            .chain(more)
            .collect())
    }

    /// The calls of one method. Empty where the server has none, with a warning.
    fn calls(
        &self,
        method: Method,
        discovery: &Discovery,
        warnings: &mut Vec<Warning>,
    ) -> Result<Vec<Possible>, String> {
        let (catalogue, can) = (&discovery.catalogue, &discovery.server.capabilities);
        let calls: Vec<Possible> = match method {
            Method::ToolsCall => return self.tools(catalogue, warnings),
            Method::ResourcesRead => catalogue
                .resources
                .iter()
                .take(MAX_RESOURCES)
                .map(|r| Possible::plain(json!({ "uri": r.uri })))
                .collect(),
            Method::PromptsGet => catalogue
                .prompts
                .iter()
                .take(MAX_RESOURCES)
                .map(|p| Possible::plain(prompt(p)))
                .collect(),
            Method::Complete if can.completions => completions(discovery),
            Method::Complete => vec![],
            Method::ResourcesList | Method::TemplatesList if !can.resources => vec![],
            Method::ToolsList if !can.tools => vec![],
            Method::PromptsList if !can.prompts => vec![],
            Method::Ping | Method::Discover => vec![Possible::plain(self.padding())],
            _ => vec![Possible::plain(json!({}))],
        };
        if calls.is_empty() {
            warnings.push(left_out(method, "the server has nothing for"));
        }
        Ok(calls)
    }

    /// Parameters of a call without arguments that are about as long as the payload: text that nobody looks at.
    fn padding(&self) -> Value {
        let empty = json!({ "_meta": { PADDING: "" } });
        match self
            .profile
            .payload_bytes
            .checked_sub(empty.to_string().len())
        {
            Some(room) if room > 0 => json!({ "_meta": { PADDING: "x".repeat(room) } }),
            _ => json!({}),
        }
    }

    fn tools(
        &self,
        catalogue: &Catalogue,
        warnings: &mut Vec<Warning>,
    ) -> Result<Vec<Possible>, String> {
        let (named, skipped) = (&self.cli.tool, &self.cli.skip_tool);
        let with_arguments = self.cli.args.iter().map(|(name, _)| name);
        let weighted = self.profile.tools.keys().filter(|name| *name != ANY_TOOL);
        // A name that is not there is a slip of the keyboard: the run would measure something else.
        for name in named
            .iter()
            .chain(skipped)
            .chain(with_arguments)
            .chain(weighted)
        {
            self.tool(name, catalogue)?;
        }
        let mut calls = Vec::new();
        for tool in &catalogue.tools {
            let weight = self.weight(tool);
            if weight == 0 {
                continue;
            }
            match self.arguments(tool) {
                Ok(arguments) => calls.push(Possible {
                    weight: f64::from(weight),
                    tool: Some(tool.name.clone()),
                    params: json!({ "name": tool.name, "arguments": arguments }),
                }),
                Err(why) if named.is_empty() && !self.profile.tools.contains_key(&tool.name) => {
                    warnings.push(
                        Warning::new(
                            "tool_left_out",
                            format!(
                                "no arguments could be made for the tool {}: {why}",
                                tool.name
                            ),
                        )
                        .remedy(format!("give them: --args '{}={{…}}'", tool.name)),
                    );
                }
                Err(why) => {
                    return Err(format!(
                        "no arguments could be made for the tool {}: {why}; give them: --args '{}={{…}}'",
                        tool.name, tool.name
                    ));
                }
            }
        }
        if calls.is_empty() {
            let text = match catalogue.tools.len() {
                0 => "the server has no tools; the share of tools/call goes to the other methods"
                    .to_owned(),
                n if !skipped.is_empty() => format!(
                    "none of the server's {n} tools is left, so none is called; their share goes to the other methods"
                ),
                n => format!(
                    "none of the server's {n} tools says readOnlyHint, so none is called; their share goes to the other methods"
                ),
            };
            let remedy = if catalogue.tools.is_empty() {
                None
            } else {
                Some("name one with --tool NAME, or use --all-tools".to_owned())
            };
            warnings.push(Warning {
                remedy,
                ..Warning::new("no_tool", text)
            });
        }
        Ok(calls)
    }

    /// A tool that somebody has named.
    pub(super) fn tool<'c>(
        &self,
        name: &str,
        catalogue: &'c Catalogue,
    ) -> Result<&'c Tool, String> {
        catalogue
            .tools
            .iter()
            .find(|t| t.name == name)
            .ok_or_else(|| {
                let known = catalogue.tools.iter().map(|t| t.name.as_str()).take(20);
                format!(
                    "the server has no tool {name:?}: write the name of one that it has ({}) after --tool, --skip-tool or --args, or in the profile",
                    known.collect::<Vec<_>>().join(", ")
                )
            })
    }

    /// How often a tool is called, beside the others; 0 is never. Named ones are, whatever they say of themselves.
    fn weight(&self, tool: &Tool) -> u32 {
        let tools = &self.profile.tools;
        let own = tools.get(&tool.name).copied();
        if !self.cli.tool.is_empty() {
            let named = self.cli.tool.contains(&tool.name);
            return if named { own.unwrap_or(1).max(1) } else { 0 };
        }
        if self.cli.skip_tool.contains(&tool.name) {
            return 0;
        }
        let others = || match tools.get(ANY_TOOL) {
            _ if !self.cli.all_tools && !tool.read_only => 0,
            Some(weight) => *weight,
            None => u32::from(tools.is_empty()),
        };
        own.unwrap_or_else(others)
    }

    pub(super) fn arguments(&self, tool: &Tool) -> Result<Value, String> {
        if let Some((_, given)) = self.cli.args.iter().find(|(name, _)| *name == tool.name) {
            return Ok(given.clone());
        }
        let want = Want {
            payload_bytes: self.profile.payload_bytes,
            seed: self.seed,
        };
        schema::arguments(&tool.input_schema, &want).map_err(|e| e.to_string())
    }
}

/// So many resources (or prompts) of a server are called in turn; each is a rendered request in memory.
const MAX_RESOURCES: usize = 100;

fn prompt(prompt: &protocol::catalogue::Prompt) -> Value {
    // A prompt's arguments are strings, always.
    let arguments: serde_json::Map<String, Value> = prompt
        .arguments
        .iter()
        .filter(|a| a.required)
        .map(|a| (a.name.clone(), Value::from("load")))
        .collect();
    if arguments.is_empty() {
        json!({ "name": prompt.name })
    } else {
        json!({ "name": prompt.name, "arguments": arguments })
    }
}

impl Item {
    /// A call in which at most tokens differ from one time to the next.
    fn one(weight: f64, label: u16, (template, fill): (Template, Option<Fill>)) -> Self {
        Self {
            weight,
            dishes: vec![Dish {
                label,
                template,
                fill: fill.map(Box::new),
                step: None,
            }],
        }
    }
}
