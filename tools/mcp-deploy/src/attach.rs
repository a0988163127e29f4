//! `attach`: names servers that already run; nothing is started, so nothing has to be undone.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, bail};
use protocol::endpoint::Endpoint;
use protocol::tls::Roots;
use protocol::transport::Transport;
use record::kind::Target;
use record::{Ending, Say};

use crate::cli::AttachArgs;
use crate::health::{self, Asking};
use crate::hold::{Hold, Over, Step};
use crate::stream::Stream;

/// Runs `attach` to its end.
///
/// # Errors
/// What is wrong with the command line; a server that does not answer is told to the pipe, too.
pub fn run(args: AttachArgs, say: &Arc<Say>) -> anyhow::Result<Ending> {
    let mut targets = targets(&args)?;
    let (mut hold, tell, brake) = Hold::begin().context("signals can't be watched")?;
    let stream = Stream::begin(say, &tell);
    if !args.no_check
        && let Err(sentence) = check(&mut targets, &args)
    {
        brake.undone();
        return Ok(stream.end(Over::Failed(sentence)));
    }
    stream.note(&format!("{} attached", targets.len()));
    stream.ready(targets);
    hold.ready(args.hold_for);
    let over = loop {
        if let Step::Over(over) = hold.next() {
            break over;
        }
    };
    brake.undone();
    Ok(stream.end(over))
}

fn targets(args: &AttachArgs) -> anyhow::Result<Vec<Target>> {
    if !args.names.is_empty() && args.names.len() != args.urls.len() {
        bail!(
            "{} --name for {} URLs: give one for each, or none",
            args.names.len(),
            args.urls.len()
        );
    }
    let mut seen = HashSet::new();
    let mut targets = Vec::new();
    for (index, url) in args.urls.iter().enumerate() {
        let endpoint = Endpoint::parse(url)?;
        let name = args
            .names
            .get(index)
            .cloned()
            .unwrap_or_else(|| format!("attached-{}", index + 1));
        if !seen.insert(name.clone()) {
            bail!(
                "two servers are named '{name}': all tools key targets by name, so give each its own"
            );
        }
        targets.push(Target {
            name: Some(name),
            url: url.clone(),
            // What an HTTP URL does not tell: it may be HTTP+SSE of 2024-11-05.
            transport: Some(endpoint.scheme.transport())
                .filter(|t| *t != Transport::Http)
                .map(|t| t.name().to_owned()),
            host_header: args.host_header.clone(),
            state: Some("up".to_owned()),
            ..Target::default()
        });
    }
    Ok(targets)
}

/// Asks all servers side by side how messages travel there; the first failure in the order of the command line is the
/// answer.
fn check(targets: &mut [Target], args: &AttachArgs) -> Result<(), String> {
    let roots = match (&args.ca_file, args.insecure) {
        (Some(file), _) => Roots::File(file.clone()),
        (None, true) => Roots::Insecure,
        (None, false) => Roots::System,
    };
    let asking = Asking {
        timeout: args.timeout,
        headers: args.headers.clone(),
        host_header: args.host_header.clone(),
        roots,
    };
    std::thread::scope(|scope| {
        let asked: Vec<_> = targets
            .iter()
            .map(|target| {
                let (url, asking) = (target.url.clone(), &asking);
                scope.spawn(move || health::mcp(&url, asking))
            })
            .collect();
        for (asked, target) in asked.into_iter().zip(targets) {
            let answer = asked
                .join()
                .unwrap_or_else(|_| Err("the check itself broke".to_owned()));
            let transport = answer.map_err(|sentence| {
                format!(
                    "{}: {sentence} (--no-check attaches it unasked)",
                    target.key()
                )
            })?;
            target.transport = Some(transport.name().to_owned());
        }
        Ok(())
    })
}
