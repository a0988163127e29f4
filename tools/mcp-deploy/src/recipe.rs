//! What a replica is made of: its command, and its addresses, as functions of its port.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::endpoint::Endpoint;
use record::kind::Target;

use crate::cli::LocalArgs;
use crate::health::Check;

/// What stands for the port.
const PORT: &str = "{port}";

/// How to start servers and where they answer then.
pub struct Recipe {
    command: Option<String>,
    serve_args: Vec<OsString>,
    /// Where each reference server writes down what it executes.
    audit: Option<PathBuf>,
    transport: String,
    url: String,
    metrics_url: Option<String>,
    health_url: Option<String>,
}

impl Recipe {
    /// From the command line.
    ///
    /// # Errors
    /// A command or URL that can't be, or the same port for several replicas.
    pub fn of(args: &LocalArgs) -> anyhow::Result<Self> {
        let own = args.command.is_none();
        let scheme = if own { args.transport.as_str() } else { "http" };
        let url = args
            .url
            .clone()
            .unwrap_or_else(|| format!("{scheme}://127.0.0.1:{PORT}/mcp"));
        if args.replicas > 1 && !url.contains(PORT) {
            bail!(
                "--url needs {PORT} in it: {} servers can't share one port (or use --replicas 1)",
                args.replicas
            );
        }
        let endpoint = Endpoint::parse(&url.replace(PORT, "1")).context("--url")?;
        let template = |given: &Option<String>, own_path: &str| {
            given
                .clone()
                .or_else(|| own.then(|| format!("http://127.0.0.1:{PORT}{own_path}")))
        };
        let recipe = Self {
            command: args.command.clone(),
            serve_args: args.serve_args.clone(),
            audit: args.audit.as_deref().map(audit_folder).transpose()?,
            transport: endpoint.scheme.transport().name().to_owned(),
            metrics_url: template(&args.metrics_url, "/metrics"),
            health_url: template(&args.health_url, "/health"),
            url,
        };
        if let Some(health_url) = &recipe.health_url {
            Endpoint::parse(&health_url.replace(PORT, "1")).context("--health-url")?;
        }
        recipe.argv("local-1", 1).context("--command")?; // a quote left open is better told before anything starts
        Ok(recipe)
    }

    /// Program and arguments for a replica's name and port.
    ///
    /// # Errors
    /// An empty command or an open quote.
    pub fn argv(&self, name: &str, port: u16) -> Result<Vec<OsString>, undo::Error> {
        if let Some(command) = &self.command {
            let words = undo::words(&fill(command, port))?;
            return Ok(words.into_iter().map(OsString::from).collect());
        }
        let mut argv = vec![
            undo::own_executable().into_os_string(),
            "serve".into(),
            "--listen".into(),
            format!("127.0.0.1:{port}").into(),
        ];
        if let Some(folder) = &self.audit {
            let file = folder.join(format!("{name}.jsonl"));
            argv.extend(["--audit".into(), file.into_os_string()]);
        }
        argv.extend(self.serve_args.iter().cloned());
        Ok(argv)
    }

    /// Where a replica on this port answers.
    pub fn url(&self, port: u16) -> String {
        fill(&self.url, port)
    }

    /// How a replica that once answered MCP is asked whether it is well: by what costs it least.
    pub fn check(&self, port: u16) -> Check {
        match &self.health_url {
            Some(url) => Check::Get(fill(url, port)),
            None => Check::Mcp(self.url(port)),
        }
    }

    /// The target record of a replica.
    pub fn target(&self, name: &str, port: u16, pid: i32) -> Target {
        Target {
            name: Some(name.to_owned()),
            url: self.url(port),
            transport: Some(self.transport.clone()),
            pid: u32::try_from(pid).ok(),
            metrics_url: self.metrics_url.as_ref().map(|url| fill(url, port)),
            health_url: self.health_url.as_ref().map(|url| fill(url, port)),
            state: Some("up".to_owned()),
            ..Target::default()
        }
    }
}

/// The folder for audit files, from the root on.
fn audit_folder(folder: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder)
        .and_then(|()| folder.canonicalize())
        .with_context(|| {
            format!(
                "--audit: the folder {} cannot be made: is there a file of that name, or may you not write there?",
                folder.display()
            )
        })
}

fn fill(template: &str, port: u16) -> String {
    template.replace(PORT, &port.to_string())
}
