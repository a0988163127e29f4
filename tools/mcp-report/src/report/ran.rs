//! What ran: the run, its tools and machines.

use crate::run::{Run, Tool};
use schemars::JsonSchema;
use serde::Serialize;

/// The run as a whole.
#[derive(Serialize, JsonSchema)]
pub struct Ran {
    /// Its id.
    pub run: Option<String>,
    /// t0 in Unix microseconds.
    pub t0_us: Option<u64>,
    /// From t0 to the end of the drain.
    pub duration_us: u64,
    /// The seed of the generator's dice.
    pub seed: Option<u64>,
    /// `open` or `closed`.
    pub model: Option<String>,
    /// `constant` or `poisson`; absent in the closed model.
    pub arrivals: Option<String>,
    /// Of all generators.
    pub clients: u64,
    /// The arguments with which mcp-gen does it again; of the first, where there were several.
    pub command: Vec<String>,
    /// The same of each, where there were several. `--start-at WHEN` stands for an instant that is to come.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub commands: Vec<Vec<String>>,
    /// Whether it was cut short by a signal; then nothing is judged.
    pub interrupted: bool,
    /// Whether everyone who could deliver a last word has done so.
    pub whole: bool,
}

/// A tool of the pipeline.
#[derive(Serialize, JsonSchema)]
pub struct ToolReport {
    /// Tool and instance: `mcp-gen#3f2a9c`.
    pub from: String,
    /// Its name.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// The machine's host name.
    pub host: String,
    /// The kernel's release.
    pub kernel: String,
    /// CPUs that it might use.
    pub cpus: u32,
    /// The cgroup's CPU limit, in CPUs.
    pub cgroup_cpus: Option<f64>,
    /// The cgroup's memory limit.
    pub cgroup_memory_bytes: Option<u64>,
    /// The region it was told it runs in.
    pub region: Option<String>,
    /// Its command line, without secrets.
    pub args: Vec<String>,
    /// Why it ended; absent where it could not say, upstream of the generator.
    pub end: Option<String>,
    /// Records it had to drop.
    pub dropped: u64,
}

impl ToolReport {
    /// What a tool said of itself.
    pub fn of(tool: &Tool, run: &Run) -> Self {
        let start = tool.start.clone();
        let end = run.tools.end_of(&tool.from);
        Self {
            from: tool.from.clone(),
            tool: start.tool,
            version: start.version,
            host: start.host,
            kernel: start.kernel,
            cpus: start.cpus,
            cgroup_cpus: start.cgroup_cpus,
            cgroup_memory_bytes: start.cgroup_memory_bytes,
            region: start.region,
            args: start.args,
            end: end.map(|e| e.why.clone()),
            dropped: end.map_or(0, |e| e.dropped),
        }
    }
}

impl Ran {
    /// What the generators' starts and last summaries say.
    pub fn of(run: &Run, interrupted: bool, whole: bool) -> Self {
        let generators: Vec<&Tool> = run.tools.all().filter(|t| t.is_generator()).collect();
        let generator = generators.first();
        let lasts = || run.generators.values().filter_map(|g| g.last.as_ref());
        let own = || lasts().filter_map(|s| s.generator.as_ref());
        let seed = generator.and_then(|t| t.start.seed);
        let alone = generators.len() == 1;
        let commands: Vec<Vec<String>> = generators.iter().map(|t| again(t, alone)).collect();
        Self {
            run: run.ids.first().cloned(),
            t0_us: run.t0_us,
            duration_us: own().map(|g| g.wall_us).max().unwrap_or(0),
            seed,
            model: own().map(|g| g.model.clone()).next(),
            arrivals: own().find_map(|g| g.arrivals.clone()),
            clients: own().map(|g| g.clients).sum(),
            command: commands.first().cloned().unwrap_or_default(),
            commands: if alone { Vec::new() } else { commands },
            interrupted,
            whole,
        }
    }
}

/// The arguments with which a generator does it again: its dice as they were, and no instant that is over.
fn again(tool: &Tool, is_alone: bool) -> Vec<String> {
    const START: &str = "--start-at";
    let mut command = Vec::new();
    let mut args = tool.start.args.iter();
    while let Some(arg) = args.next() {
        if arg != START && !arg.starts_with("--start-at=") {
            command.push(arg.clone());
            continue;
        }
        if arg == START {
            args.next();
        }
        // Several are to begin together again; one alone begins when it is there.
        if !is_alone {
            command.extend([START.to_owned(), "WHEN".to_owned()]);
        }
    }
    let has_seed = |a: &String| a == "--seed" || a.starts_with("--seed=");
    if let Some(seed) = tool.start.seed
        && !command.iter().any(has_seed)
    {
        command.extend(["--seed".to_owned(), seed.to_string()]);
    }
    command
}
