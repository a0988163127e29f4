//! From targets and flags to a plan: who speaks how, what is called, when the stages are.

use crate::children::Children;
use crate::cli::Cli;
use crate::crowd;
use crate::discover::Found;
use crate::groups::Groups;
use crate::knee::Knee;
use crate::menu::{Labels, Menu, Order};
use crate::pacer::Pacer;
use crate::plan::{Home, Homes, MAX_HOMES, Plan};
use crate::profile::{self, Profile};
use crate::shape::{Quantity, Shape};
use crate::stages::{Ask, Change, Stages, Wanted};
use crate::targets::{Allowed, Targets, endpoint};
use protocol::client::{Discovery, Options};
use protocol::endpoint::Endpoint;
use protocol::transport::Transport;
use record::clock;
use record::kind::{self, Ready, Target, Warning};
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;

/// More clients than open files could ever serve.
pub const MAX_CLIENTS: u32 = 1_000_000;

/// Calls per second of a thread that no processor can even count: beyond, the loop would never look at an answer.
const MAX_RATE_PER_THREAD: f64 = 5e6;

/// What the flags say, with the profile's and the other defaults filled in.
pub struct Wish {
    /// The profiles, with what the flags say in place of their own values.
    pub profiles: Vec<Profile>,
    /// Clients of all profiles.
    pub clients: u32,
    /// What makes calls due.
    pub pacer: Pacer,
    /// Calls per second of each client, where nothing else says how many.
    rate_per_s: f64,
    /// The stages, where they were given.
    shape: Option<Shape>,
    /// The knee that is to be found.
    knee: Option<Knee>,
    /// The seed.
    pub seed: u64,
    /// Worker threads.
    pub threads: u32,
    steady: Duration,
    warmup: Duration,
    connect: Duration,
}

impl Wish {
    /// Reads the flags.
    ///
    /// # Errors
    /// A sentence on what cannot be.
    pub fn of(cli: &Cli) -> Result<Self, String> {
        let mut profiles = profile::wanted(cli)?;
        let shape = cli.stages.clone();
        let crowd = shape.as_ref().filter(|s| s.of == Quantity::Clients);
        let rates = shape.as_ref().filter(|s| s.of == Quantity::Rate);
        if let Some(crowd) = crowd {
            let counted = |name: &String| name.contains('=') && !name.ends_with(".toml");
            if cli.clients.is_some() || cli.profile.iter().any(counted) {
                return Err("--stages says how many clients there are, so --clients or --profile NAME=N can't: leave it out".to_owned());
            }
            if cli.total_rate.is_some() {
                return Err("--total-rate is shared by all clients, and --stages changes how many there are: use --rate, which is each client's, or stages of rates ('rate 100..1000/s in 60s')".to_owned());
            }
            let [profile] = profiles.as_mut_slice() else {
                return Err("stages of clients don't say of which profile: give one --profile, or stages of rates ('rate 100..1000/s in 60s'), which all share".to_owned());
            };
            profile.clients = crowd.peak() as u32;
        }
        if rates.is_some() && (cli.closed || cli.rate.is_some() || cli.total_rate.is_some()) {
            return Err("--stages says how many calls are due, so --rate, --total-rate or --closed can't: leave them out, or give stages of clients ('0..500 clients in 5m')".to_owned());
        }
        let clients = profiles.iter().map(|p| p.clients).sum();
        let steady = cli.for_.unwrap_or(Duration::from_secs(30));
        if steady.is_zero() {
            return Err("--for is 0, so there is nothing to measure".to_owned());
        }
        let cpus = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        let threads = cli.threads.unwrap_or((cpus / 2).max(1)).min(clients);
        // Of a client on average; each has its own share of all calls.
        let per_s = |p: &Profile| p.rate_per_s * f64::from(p.clients);
        let total_per_s = cli
            .total_rate
            .unwrap_or_else(|| profiles.iter().map(per_s).sum());
        let rate_per_s = total_per_s / f64::from(clients);
        let knee = cli.find_knee.as_ref().map(|condition| Knee {
            first_per_s: cli
                .knee_from
                .unwrap_or_else(|| Knee::first_per_s(condition, cli.knee_step)),
            condition: condition.clone(),
            most_per_s: MAX_RATE_PER_THREAD * f64::from(threads),
            step: cli.knee_step,
            longest_call: longest(&profiles) + cli.max_backlog,
            clients,
        });
        let peak_per_s = rates.map_or(total_per_s, Shape::peak);
        if !cli.closed && peak_per_s / f64::from(threads) > MAX_RATE_PER_THREAD {
            return Err(format!(
                "{peak_per_s} calls/s are more than {MAX_RATE_PER_THREAD} for each of {threads} threads, which no schedule can keep: lower the rate or --clients, or raise --threads"
            ));
        }
        // The connections that are wanted when the load begins.
        let at_first = match crowd.and_then(|s| s.legs.first()) {
            Some(leg) => leg.from as u64,
            None => u64::from(clients),
        };
        Ok(Self {
            clients,
            pacer: if cli.closed {
                Pacer::Answers
            } else {
                Pacer::Clock(cli.arrivals)
            },
            rate_per_s,
            // 2^53: the seed stands in a record, and jq keeps integers exact only so far.
            seed: cli
                .seed
                .unwrap_or_else(|| record::random() & ((1 << 53) - 1)),
            threads,
            // Whoever gives stages has the first of them to warm up in.
            warmup: cli.warmup.unwrap_or(match (&shape, &knee) {
                (Some(_), _) | (_, Some(_)) => Duration::ZERO,
                (None, None) => (steady / 10).min(Duration::from_secs(30)),
            }),
            connect: cli
                .connect_for
                .unwrap_or(Duration::from_secs(2) + Duration::from_millis(at_first)),
            steady,
            profiles,
            shape,
            knee,
        })
    }

    fn longest_timeout(&self) -> Duration {
        longest(&self.profiles)
    }

    /// The stages in which calls are due. A warm-up holds the level at which the first of them begins.
    fn load(&self) -> Vec<Wanted> {
        let is_clock = matches!(self.pacer, Pacer::Clock(_));
        let all = f64::from(self.clients);
        let ask = |level: Option<(Quantity, Change)>| {
            let (clients, per_s) = match level {
                None => (Change::none(all), Change::none(all * self.rate_per_s)),
                Some((Quantity::Clients, n)) => (n, n.times(self.rate_per_s)),
                Some((Quantity::Rate, per_s)) => (Change::none(all), per_s),
            };
            Ask {
                clients,
                per_s: is_clock.then_some(per_s),
            }
        };
        let legs: Vec<Wanted> = match (&self.shape, &self.knee) {
            (None, Some(knee)) => knee.first_stages(),
            (None, None) => vec![Wanted {
                name: "steady".to_owned(),
                length_ns: nanos(self.steady),
                ask: ask(None),
            }],
            (Some(shape), _) => {
                let legs = shape.legs.iter();
                legs.map(|leg| {
                    let (from, to) = (leg.from, leg.to);
                    Wanted {
                        name: leg.name.clone(),
                        length_ns: leg.length_ns,
                        ask: ask(Some((shape.of, Change { from, to }))),
                    }
                })
                .collect()
            }
        };
        let begin = legs.first().map_or_else(Ask::default, |w| w.ask);
        let warmup = Wanted {
            name: "warm-up".to_owned(),
            length_ns: nanos(self.warmup),
            ask: Ask {
                clients: Change::none(begin.clients.from),
                per_s: begin.per_s.map(|r| Change::none(r.from)),
            },
        };
        std::iter::once(warmup).chain(legs).collect()
    }
}

/// How discovery is to speak with a server.
#[must_use]
pub fn options(cli: &Cli, wish: &Wish, tls: Option<Arc<ClientConfig>>) -> Options {
    Options {
        wanted: cli.protocol,
        headers: cli.header.clone(),
        host_header: cli.host_header.clone(),
        ws_subprotocol: !cli.no_ws_subprotocol,
        ws_append_newline: cli.ws_append_newline,
        timeout: wish.longest_timeout(),
        tls,
        client_name: "mcp-gen".to_owned(),
        ..Options::default()
    }
}

/// What servers are reached by, besides their addresses.
pub struct With {
    /// How TLS servers are checked.
    pub tls: Option<Arc<ClientConfig>>,
    /// Who runs commands.
    pub children: Arc<Children>,
}

/// What is needed to run.
pub struct Prepared {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The servers.
    pub homes: Homes,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// What is spoken with whom, for the final summary.
    pub dialects: Vec<kind::Dialect>,
    /// The Host header that the user gave for all.
    host_header: Option<String>,
    /// Which commands may be run.
    allowed: Allowed,
}

/// Makes the plan.
///
/// # Errors
/// A sentence: no server can be called.
pub fn prepare(
    cli: &Cli,
    wish: &Wish,
    targets: &Targets,
    found: &[Found],
    with: With,
    ready: &Ready,
) -> Result<Prepared, String> {
    let mut warnings = Vec::new();
    let fallback = found.iter().find_map(|f| f.as_ref().ok()).cloned();
    let order = Order {
        profiles: &wish.profiles,
        cli,
        seed: wish.seed,
    };
    let groups = Groups::new(&wish.profiles);
    let mut labels = Labels::new(groups.all());
    let mut menus: Vec<(Arc<Discovery>, Arc<Menu>)> = Vec::new();
    let mut dialects: Vec<kind::Dialect> = Vec::new();
    let mut homes = Vec::new();
    for (target, found) in targets.all().iter().zip(found) {
        let discovery = match (found, &fallback) {
            (Ok(discovery), _) => discovery,
            (Err(failure), Some(fellow)) if failure.may_recover => {
                let text = format!(
                    "{}; it is called as its fellows are, and its calls fail until it answers",
                    failure.text
                );
                warnings.push(Warning::new(&failure.code, text).target(target.key()));
                fellow
            }
            (Err(failure), _) => return Err(failure.text.clone()),
        };
        let menu = match menus.iter().find(|(d, _)| {
            d.dialect == discovery.dialect
                && d.catalogue == discovery.catalogue
                && d.server.capabilities == discovery.server.capabilities
        }) {
            Some((_, menu)) => Arc::clone(menu),
            None => {
                let (menu, mut told) = order
                    .menu(discovery, &mut labels)
                    .map_err(|e| format!("{}: {e}", target.key()))?;
                warnings.append(&mut told);
                warnings.extend(
                    discovery
                        .notes
                        .iter()
                        .map(|note| Warning::new("note", note.clone()).target(target.key())),
                );
                let menu = Arc::new(menu);
                menus.push((Arc::clone(discovery), Arc::clone(&menu)));
                menu
            }
        };
        let home = home(target, homes.len(), discovery, menu, cli)?;
        let dialect = dialect_record(&home, discovery);
        if !dialects.iter().any(|d| d.origin == dialect.origin) && dialects.len() < MAX_HOMES {
            dialects.push(dialect);
        }
        homes.push(Arc::new(home));
    }
    let plan = plan(cli, wish, groups, labels, with, ready);
    Ok(Prepared {
        plan: Arc::new(plan),
        homes: Arc::new(homes),
        warnings,
        dialects,
        host_header: cli.host_header.clone(),
        allowed: Allowed::by(cli),
    })
}

impl Prepared {
    /// The servers after the targets have changed: those known keep their dialect and menu, new ones take the first's.
    #[must_use]
    pub fn rehome(&self, targets: &Targets) -> Homes {
        let Some(first) = self.homes.first() else {
            return Arc::clone(&self.homes);
        };
        let homes = targets.all().iter().enumerate().map(|(i, target)| {
            let like = self.homes.get(i).unwrap_or(first);
            // One that cannot be called keeps its place all the same: calls in flight know their home by it.
            let usable = self.usable(target).ok();
            let live = usable.is_some() && !target.is_gone();
            let endpoint = usable.unwrap_or_else(|| like.endpoint.clone());
            Arc::new(Home {
                name: target.key().to_owned(),
                row: i.min(MAX_HOMES) as u16,
                addresses: endpoint.resolve().unwrap_or_default(),
                transport: transport(&endpoint, like.transport),
                endpoint,
                host_header: self
                    .host_header
                    .clone()
                    .or_else(|| target.host_header.clone()),
                tls_name: target.tls_server_name.clone(),
                dialect: like.dialect,
                menu: Arc::clone(&like.menu),
                live,
                offer_subprotocol: like.offer_subprotocol,
            })
        });
        Arc::new(homes.collect())
    }

    /// Where a target is that comes while the load runs.
    ///
    /// # Errors
    /// A sentence on why it cannot be called in this run.
    pub fn usable(&self, target: &Target) -> Result<Endpoint, String> {
        let endpoint = endpoint(target, &self.allowed)?;
        if endpoint.scheme.is_tls() && self.plan.tls.is_none() {
            // Certificates are read at the begin. Better no call than one in the clear.
            return Err(format!(
                "{}: a target with TLS came to a run that began without: name one from the beginning",
                target.key()
            ));
        }
        Ok(endpoint)
    }
}

fn home(
    target: &Target,
    index: usize,
    discovery: &Discovery,
    menu: Arc<Menu>,
    cli: &Cli,
) -> Result<Home, String> {
    let endpoint = endpoint(target, &Allowed::by(cli))?;
    Ok(Home {
        name: target.key().to_owned(),
        row: index.min(MAX_HOMES) as u16,
        addresses: endpoint.resolve().unwrap_or_default(),
        transport: transport(&endpoint, discovery.transport),
        endpoint,
        host_header: cli
            .host_header
            .clone()
            .or_else(|| target.host_header.clone()),
        tls_name: target.tls_server_name.clone(),
        dialect: discovery.dialect,
        menu,
        live: !target.is_gone(),
        offer_subprotocol: discovery.dialect.subprotocol && !cli.no_ws_subprotocol,
    })
}

/// How messages travel to an endpoint, at a server that is like one that was asked: only the URL of an HTTP server does not
/// say it all.
fn transport(endpoint: &Endpoint, like: Transport) -> Transport {
    match (endpoint.scheme.transport(), like) {
        (Transport::Http, Transport::Sse) => Transport::Sse,
        (own, _) => own,
    }
}

fn dialect_record(home: &Home, discovery: &Discovery) -> kind::Dialect {
    kind::Dialect {
        origin: record::redact::url(&home.endpoint.origin()),
        era: home.dialect.era.to_string(),
        revision: home.dialect.revision.to_string(),
        transport: home.transport.name().to_owned(),
        server: Some(
            format!("{} {}", discovery.server.name, discovery.server.version)
                .trim()
                .to_owned(),
        )
        .filter(|s| !s.is_empty())
        .map(record::cut),
    }
}

fn plan(cli: &Cli, wish: &Wish, groups: Groups, labels: Labels, with: With, ready: &Ready) -> Plan {
    let ns = nanos;
    let t0_ns = if ready.boot_id == clock::boot_id() {
        ready.t0_mono_us * 1_000
    } else {
        // Another machine's t0: only Unix time connects us.
        (clock::mono_us() + ready.t0_us).saturating_sub(clock::unix_us()) * 1_000
    };
    let drain_ns = groups.longest_timeout_ns();
    let stages = Stages::new(t0_ns, ns(wish.connect), wish.load(), drain_ns);
    Plan {
        pacer: wish.pacer,
        clients: wish.clients,
        rate_per_s: wish.rate_per_s,
        comes_and_goes: crowd::comes_and_goes(&stages, wish.clients),
        threads: wish.threads,
        normal_scheduling: cli.normal_scheduling,
        knee: wish.knee.clone(),
        course: Arc::new(stages.course()),
        stages: Arc::new(stages),
        unix_offset_us: ready.t0_us as i64 - (t0_ns / 1_000) as i64,
        interval_ns: ns(cli.interval),
        max_backlog_ns: ns(cli.max_backlog),
        grace_ns: ns(cli.grace),
        seed: wish.seed,
        calls: cli.calls,
        window: cli.in_flight.unwrap_or(if cli.closed { 1 } else { 1_024 }) as usize,
        max_connections: cli.max_connections.unwrap_or(if cli.closed {
            cli.in_flight.unwrap_or(1)
        } else {
            6
        }) as usize,
        append_newline: cli.ws_append_newline,
        sources: cli.source_address.concat(),
        headers: cli.header.clone(),
        tls: with.tls,
        children: with.children,
        labels,
        groups,
    }
}

fn longest(profiles: &[Profile]) -> Duration {
    let timeouts = profiles.iter().map(|p| p.timeout);
    timeouts.max().unwrap_or_default()
}

fn nanos(d: Duration) -> u64 {
    d.as_nanos() as u64
}
