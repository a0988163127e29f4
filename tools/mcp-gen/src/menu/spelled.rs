//! The calls that a profile spells out, alone or in sequences, compiled for one server.

use super::fill::{compile, mark};
use super::order::Portion;
use super::placeholder::Scope;
use super::{Dish, Item, Labels, Step};
use crate::profile::{Call, Method, Profile};
use protocol::client::Discovery;
use record::kind::Warning;
use serde_json::{Map, Value, json};

/// Reads all templates of a profile, as far as that can be done before a server is known.
///
/// # Errors
/// A sentence on the first that cannot be.
pub fn check(profile: &Profile) -> Result<(), String> {
    let calls = profile.calls.iter();
    let calls = calls.map(|c| std::slice::from_ref(c.get_ref()));
    let sequences = profile.sequences.iter();
    for steps in calls.chain(sequences.map(|s| s.get_ref().steps.as_slice())) {
        let mut scope = Scope {
            tables: &profile.tables,
            ..Scope::default()
        };
        for call in steps {
            for values in [&call.arguments, &call.params].into_iter().flatten() {
                mark(&mut values.clone(), &mut scope, &mut Vec::new())
                    .map_err(|why| format!("the profile {}: {why}", profile.name))?;
            }
            scope.taken.extend(call.take.keys().cloned());
        }
    }
    Ok(())
}

impl Portion<'_> {
    /// All that the profile spells out and the command line wants.
    ///
    /// # Errors
    /// A sentence on what cannot be called.
    pub(super) fn spelled_out(
        &self,
        discovery: &Discovery,
        group: u16,
        labels: &mut Labels,
        warnings: &mut Vec<Warning>,
    ) -> Result<Vec<Item>, String> {
        let calls = self.profile.calls.iter().map(|c| {
            let call = c.get_ref();
            (call.weight.unwrap_or(1), std::slice::from_ref(call), false)
        });
        let sequences = self.profile.sequences.iter().map(|s| {
            let sequence = s.get_ref();
            (sequence.weight, sequence.steps.as_slice(), true)
        });
        let mut items = Vec::new();
        for (weight, steps, is_sequence) in calls.chain(sequences) {
            if weight == 0 || !steps.iter().all(|call| self.wants(call)) {
                continue;
            }
            if let Some(call) = steps.iter().find(|call| !self.can(call, discovery)) {
                let text = format!(
                    "the era that the server speaks has no {}; its share goes to the other calls",
                    call.method
                );
                warnings.push(Warning::new("method_left_out", text));
                continue;
            }
            let calls_tool = steps.iter().any(|call| call.tool.is_some());
            for (has_token, share) in self.ways(calls_tool) {
                let dishes = self.steps(steps, is_sequence, has_token, discovery, group, labels)?;
                items.push(Item {
                    weight: f64::from(weight) * share,
                    dishes,
                });
            }
        }
        Ok(items)
    }

    pub(super) fn steps(
        &self,
        steps: &[Call],
        is_sequence: bool,
        has_token: bool,
        discovery: &Discovery,
        group: u16,
        labels: &mut Labels,
    ) -> Result<Vec<Dish>, String> {
        let mut scope = Scope {
            tables: &self.profile.tables,
            token: self.token,
            ..Scope::default()
        };
        let values = steps.iter().map(|s| s.take.len()).sum();
        let mut dishes = Vec::new();
        for (number, call) in steps.iter().enumerate() {
            let (params, schema) = self.params(call, discovery)?;
            let asks = has_token && call.tool.is_some();
            let params = self.dressed(params, asks, discovery);
            let (template, fill) =
                compile(&call.method, params, schema, &discovery.dialect, &mut scope)
                    .map_err(|why| format!("the profile {}: {why}", self.profile.name))?;
            let mut take = Vec::new();
            for (name, pointer) in &call.take {
                take.push((scope.taken.len(), pointer.clone()));
                scope.taken.push(name.clone());
            }
            dishes.push(Dish {
                label: labels.index(group, &call.method, call.tool.as_deref()),
                template,
                fill: fill.map(Box::new),
                step: is_sequence.then(|| {
                    Box::new(Step {
                        number: number as u16,
                        take,
                        values,
                    })
                }),
            });
        }
        Ok(dishes)
    }

    fn params<'d>(
        &self,
        call: &Call,
        discovery: &'d Discovery,
    ) -> Result<(Value, Option<&'d Value>), String> {
        let Some(name) = &call.tool else {
            let none = || Value::Object(Map::new());
            return Ok((call.params.clone().unwrap_or_else(none), None));
        };
        let tool = self.tool(name, &discovery.catalogue)?;
        let arguments = match &call.arguments {
            Some(given) => given.clone(),
            None => self.arguments(tool).map_err(|why| {
                format!("no arguments could be made for the tool {name}: {why}; write arguments = {{ … }} in the profile")
            })?,
        };
        let params = json!({ "name": name, "arguments": arguments });
        Ok((params, Some(&tool.input_schema)))
    }

    /// Whether the flags want a call.
    fn wants(&self, call: &Call) -> bool {
        let cli = self.cli;
        let by_method = cli.method.is_empty() || cli.method.contains(&call.method);
        let by_tool = call.tool.as_ref().is_none_or(|tool| {
            (cli.tool.is_empty() || cli.tool.contains(tool)) && !cli.skip_tool.contains(tool)
        });
        by_method && by_tool
    }

    fn can(&self, call: &Call, discovery: &Discovery) -> bool {
        [Method::Ping, Method::Discover]
            .iter()
            .find(|m| m.name() == call.method)
            .and_then(|m| m.only_in())
            .is_none_or(|era| era == discovery.dialect.era)
    }
}
