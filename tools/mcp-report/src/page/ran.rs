//! What ran: tools, machines, servers, and how to do it again.

use super::Block;
use crate::report::{Report, ToolReport};
use crate::show;
use std::collections::BTreeMap;

/// Adds the section.
pub fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    if report.tools.is_empty() {
        return;
    }
    let run = &report.run;
    let mut facts = Vec::new();
    if let Some(id) = &run.run {
        facts.push(("run", id.clone()));
    }
    if run.duration_us > 0 {
        facts.push(("duration", show::span(run.duration_us)));
    }
    if let Some(model) = &run.model {
        let seed = run.seed.map(|s| format!(", seed {s}")).unwrap_or_default();
        // Constant arrivals go without saying.
        let arrivals = match run.arrivals.as_deref() {
            None | Some("constant") => String::new(),
            Some(other) => format!(", {other} arrivals"),
        };
        facts.push((
            "load",
            format!(
                "{model} model{arrivals}, {} clients{seed}",
                show::count(run.clients)
            ),
        ));
    }
    if run.commands.is_empty() && !run.command.is_empty() {
        facts.push(("again", show::command(&run.command)));
    }
    for command in &run.commands {
        facts.push(("again", show::command(command)));
    }
    let own = format!("mcp-report {}", env!("CARGO_PKG_VERSION"));
    let mut tools: Vec<String> = report
        .tools
        .iter()
        .map(|t| format!("{} {}", t.tool, t.version))
        .collect();
    tools.push(own);
    tools.dedup();
    facts.push(("tools", tools.join(" | ")));
    for (machine, instances) in machines(&report.tools) {
        let who = if instances.len() == report.tools.len() {
            String::new()
        } else {
            format!(": {}", instances.join(", "))
        };
        facts.push(("machine", machine + &who));
    }
    for d in &report.dialects {
        let server = d
            .server
            .as_ref()
            .map(|s| format!(", {s}"))
            .unwrap_or_default();
        let text = format!(
            "{}: {} {}, {}{server}",
            d.origin, d.era, d.revision, d.transport
        );
        facts.push(("server", text));
    }
    blocks.push(Block::Title("What ran".to_owned()));
    blocks.push(Block::Facts(facts));
}

/// The machines and who ran on each.
fn machines(tools: &[ToolReport]) -> BTreeMap<String, Vec<&str>> {
    let mut machines: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for tool in tools {
        let mut text = format!("{}, Linux {}, {} CPUs", tool.host, tool.kernel, tool.cpus);
        if let Some(cpus) = tool.cgroup_cpus {
            text += &format!(", limited to {cpus:.2} CPUs");
        }
        if let Some(bytes) = tool.cgroup_memory_bytes {
            text += &format!(", limited to {}", show::bytes(bytes));
        }
        if let Some(region) = &tool.region {
            text += &format!(", region {region}");
        }
        machines.entry(text).or_default().push(&tool.from);
    }
    machines
}
