//! From targets and flags to a plan: who speaks how, what is called, when the stages are.

use crate::abuse::Terms;
use crate::audit;
use crate::batches;
use crate::children::Children;
use crate::cli::{By, Cli};
use crate::crowd;
use crate::discover::Found;
use crate::groups::Groups;
use crate::home::{Home, Homes, MAX_HOMES, Manners};
use crate::menu::{Labels, Menu, Order};
use crate::no_effect;
use crate::open_files;
use crate::plan::Plan;
use crate::sharing::{self, Sharing};
use crate::source;
use crate::stages::Stages;
use crate::targets::{Allowed, Targets, endpoint};
use crate::wish::{Wish, nanos};
use protocol::client::{Discovery, Options};
use protocol::endpoint::Endpoint;
use protocol::tls::offering;
use protocol::transport::Transport;
use record::clock;
use record::kind::{self, Ready, Target, Warning};
use rustls::ClientConfig;
use std::num::NonZeroU32;
use std::sync::Arc;

/// How discovery is to speak with a server.
#[must_use]
pub fn options(cli: &Cli, wish: &Wish, tls: Option<Arc<ClientConfig>>) -> Options {
    Options {
        wanted: cli.protocol,
        headers: wish.headers.clone(),
        host_header: cli.host_header.clone(),
        ws_subprotocol: !cli.no_ws_subprotocol,
        ws_append_newline: cli.ws_append_newline,
        timeout: wish.longest_timeout(),
        tls,
        http2: cli.http2,
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
    /// Whether and where it is looked up which calls were executed.
    pub audit: Option<audit::Order>,
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
        token: with.audit.as_ref().map(|audit| audit.head.as_str()),
    };
    let groups = Groups::new(&wish.profiles, wish.idle);
    let target_rows = match cli.by.contains(&By::Target) {
        // And some that may come later.
        true => targets.all().len() + MAX_HOMES,
        false => MAX_HOMES,
    };
    let mut menus = Menus {
        order,
        labels: Labels::new(groups.all(), cli.by.contains(&By::Tool)),
        made: Vec::new(),
    };
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
        sharing::check(cli, wish, discovery.transport)
            .map_err(|e| format!("{}: {e}", target.key()))?;
        batches::check(&wish.profiles, discovery).map_err(|e| format!("{}: {e}", target.key()))?;
        let menu = menus
            .of(discovery, &mut warnings, target)
            .map_err(|e| format!("{}: {e}", target.key()))?;
        let manners = Manners {
            dialect: discovery.dialect,
            transport: discovery.transport,
            menu,
            offer_subprotocol: discovery.dialect.subprotocol && !cli.no_ws_subprotocol,
            http2: discovery.http2,
        };
        let endpoint = endpoint(target, &Allowed::by(cli))?;
        let home = Home::new(
            target,
            (homes.len(), target_rows),
            endpoint,
            manners,
            cli.host_header.as_ref(),
        );
        source::check_family(&cli.source_address.concat(), &home.addresses)
            .map_err(|e| format!("{}: {e}", target.key()))?;
        let dialect = dialect_record(&home, discovery);
        if !dialects.iter().any(|d| d.origin == dialect.origin) && dialects.len() < MAX_HOMES {
            dialects.push(dialect);
        }
        homes.push(Arc::new(home));
    }
    warnings.extend(folded(homes.len().saturating_sub(target_rows), "target"));
    warnings.extend(folded(menus.labels.folded(), "tool"));
    warnings.extend(no_effect::warnings(
        cli,
        groups.all(),
        &homes,
        &menus.labels,
    ));
    let homes = Arc::new(homes);
    let live = homes.iter().filter(|home| home.live).count();
    let limit = open_files::raise();
    if cli.shared_connections.is_none() {
        open_files::check(&groups, &homes, wish.threads, limit)?;
    }
    let plan = Plan {
        target_rows,
        ..plan(cli, wish, groups, menus.labels, with, ready, live)
    };
    Ok(Prepared {
        plan: Arc::new(plan),
        homes,
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
            let manners = like.manners();
            let place = (i, self.plan.target_rows);
            let home = Home::new(target, place, endpoint, manners, self.host_header.as_ref());
            Arc::new(Home { live, ..home })
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

/// What is to be said where figures of so many targets or tools stand in one row.
fn folded(count: usize, what: &str) -> Option<Warning> {
    let text = format!(
        "{count} more {what}s than have rows of their own stand together as {what} \"other\""
    );
    let warning = Warning::new("folded", text).remedy(format!("tell them apart with --by {what}"));
    (count > 0).then_some(warning)
}

/// The menus of servers; those that are alike in all that matters share one.
struct Menus<'a> {
    order: Order<'a>,
    labels: Labels,
    made: Vec<(Arc<Discovery>, Arc<Menu>)>,
}

impl Menus<'_> {
    fn of(
        &mut self,
        discovery: &Arc<Discovery>,
        warnings: &mut Vec<Warning>,
        target: &Target,
    ) -> Result<Arc<Menu>, String> {
        let alike = |d: &Discovery| {
            d.dialect == discovery.dialect
                && d.catalogue == discovery.catalogue
                && d.server.capabilities == discovery.server.capabilities
        };
        if let Some((_, menu)) = self.made.iter().find(|(d, _)| alike(d)) {
            return Ok(Arc::clone(menu));
        }
        let (menu, mut told) = self.order.menu(discovery, &mut self.labels)?;
        warnings.append(&mut told);
        let notes = discovery.notes.iter();
        warnings.extend(notes.map(|n| Warning::new("note", n.clone()).target(target.key())));
        let menu = Arc::new(menu);
        self.made.push((Arc::clone(discovery), Arc::clone(&menu)));
        Ok(menu)
    }
}

fn dialect_record(home: &Home, discovery: &Discovery) -> kind::Dialect {
    kind::Dialect {
        origin: record::redact::url(&home.endpoint.origin()),
        era: home.dialect.era.to_string(),
        revision: home.dialect.revision.to_string(),
        transport: home.transport.name().to_owned(),
        http: (home.transport == Transport::Http)
            .then(|| if home.http2 { "2" } else { "1.1" }.to_owned()),
        server: Some(
            format!("{} {}", discovery.server.name, discovery.server.version)
                .trim()
                .to_owned(),
        )
        .filter(|s| !s.is_empty())
        .map(record::cut),
    }
}

fn plan(
    cli: &Cli,
    wish: &Wish,
    groups: Groups,
    labels: Labels,
    with: With,
    ready: &Ready,
    live: usize,
) -> Plan {
    let t0_ns = if ready.boot_id == clock::boot_id() {
        ready.t0_mono_us * 1_000
    } else {
        // Another machine's t0: only Unix time connects us.
        (clock::mono_us() + ready.t0_us).saturating_sub(clock::unix_us()) * 1_000
    };
    let sharing = Sharing::of(cli, wish, live);
    let longest_batch = groups.all().iter().map(|g| g.batch).max().unwrap_or(1);
    let drain_ns = groups.longest_timeout_ns();
    let stages = Stages::new(t0_ns, nanos(wish.connect), wish.load(), drain_ns);
    Plan {
        pacer: wish.pacer,
        clients: wish.clients,
        idle: wish.idle.clients,
        rate_per_s: wish.rate_per_s,
        comes_and_goes: crowd::comes_and_goes(&stages, wish.clients),
        threads: sharing.map_or(wish.threads, |s| s.threads),
        carriers: sharing.map(|s| s.connections),
        normal_scheduling: cli.normal_scheduling,
        knee: wish.knee.clone(),
        course: Arc::new(stages.course()),
        stages: Arc::new(stages),
        unix_offset_us: ready.t0_us as i64 - (t0_ns / 1_000) as i64,
        interval_ns: nanos(cli.interval),
        max_backlog_ns: nanos(cli.max_backlog),
        grace_ns: nanos(cli.grace),
        seed: wish.seed,
        calls: cli.calls,
        window: cli
            .in_flight
            .filter(|_| !(cli.closed && sharing.is_some()))
            .unwrap_or(match cli.closed {
                true if sharing.is_some() => u32::MAX,
                true => longest_batch,
                false => 1_024,
            }) as usize,
        in_flight: cli.in_flight,
        max_connections: cli.max_connections.unwrap_or(if cli.closed {
            cli.in_flight.unwrap_or(1)
        } else {
            6
        }) as usize,
        target_rows: MAX_HOMES,
        failover: cli.failover.map(NonZeroU32::get),
        append_newline: cli.ws_append_newline,
        sources: cli.source_address.concat(),
        headers: Arc::new(wish.headers.clone()),
        abuse: Terms::of(cli),
        tls_http: with.tls.as_ref().map(|tls| offering(tls, cli.http2.alpn())),
        tls: with.tls,
        http2: cli.http2,
        children: with.children,
        audit: with.audit,
        labels,
        groups,
    }
}
