//! A test server on the official Rust SDK (`rmcp`), which speaks both eras on one port.
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::serve::ListenerExt;
use clap::{Parser, ValueEnum};
use rmcp::handler::server::{router::tool::ToolRouter, wrapper::Parameters};
use rmcp::model::*;
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::tower::{
    StreamableHttpServerConfig, StreamableHttpService,
};
use rmcp::{ErrorData, ServerHandler, schemars, tool, tool_handler, tool_router};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

/// Calls of `append_note`. A load tool that respects `readOnlyHint` leaves it at 0.
static NOTES: AtomicUsize = AtomicUsize::new(0);

/// Where the name of each tool that is called goes, a line each: what a load tool's report is held against.
static CALLS: OnceLock<File> = OnceLock::new();

fn note(tool: &str) {
    if let Some(mut file) = CALLS.get() {
        // One write(2) a line on a file opened for appending, so that threads don't mix.
        let _ = file.write_all(format!("{tool}\n").as_bytes());
    }
}

#[derive(Parser)]
struct Cli {
    #[arg(long)]
    port: u16,
    #[arg(long, value_enum, default_value = "stateful-sse")]
    mode: Mode,
    /// Append the name of each tool that is called to this file.
    #[arg(long)]
    calls: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Mode {
    StatefulSse,
    StatelessJson,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Echo {
    message: String,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Stop {
    place: String,
    #[schemars(range(min = 1, max = 30))]
    nights: u32,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Travel {
    Rail,
    Road,
    Sea,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Trip {
    title: String,
    #[schemars(length(min = 1, max = 4))]
    stops: Vec<Stop>,
    mode: Travel,
    budget: Option<f64>,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Plan {
    trip: Trip,
}

#[derive(Clone)]
struct Peer {
    tool_router: ToolRouter<Self>,
}

#[tool_router]
impl Peer {
    /// Give back the message.
    #[tool(annotations(read_only_hint = true))]
    fn echo(&self, Parameters(Echo { message }): Parameters<Echo>) -> String {
        note("echo");
        message
    }

    /// Count the nights of a trip (nested arguments).
    #[tool(annotations(read_only_hint = true))]
    fn plan_trip(&self, Parameters(Plan { trip }): Parameters<Plan>) -> String {
        note("plan_trip");
        let nights: u32 = trip.stops.iter().map(|stop| stop.nights).sum();
        let by = match trip.mode {
            Travel::Rail => "rail",
            Travel::Road => "road",
            Travel::Sea => "sea",
        };
        let places: Vec<&str> = trip.stops.iter().map(|stop| stop.place.as_str()).collect();
        format!(
            "{}: {nights} nights by {by} in {}, budget {:?}",
            trip.title,
            places.join(", "),
            trip.budget
        )
    }

    /// Append a note: not read-only, so no load tool may call it unasked.
    #[tool(annotations(read_only_hint = false))]
    fn append_note(&self, Parameters(Echo { message }): Parameters<Echo>) -> String {
        note("append_note");
        format!("{} {message}", NOTES.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Peer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            ServerCapabilities::builder()
                .enable_tools()
                .enable_resources()
                .enable_prompts()
                .build(),
        )
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(vec![
            Resource::new("text://greeting", "greeting"),
            Resource::new("notes://count", "note_count"),
        ]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let text = match request.uri.as_str() {
            "text://greeting" => "hello".to_owned(),
            "notes://count" => NOTES.load(Ordering::Relaxed).to_string(),
            other => {
                return Err(ErrorData::resource_not_found(
                    format!("no resource {other}"),
                    None,
                ));
            }
        };
        Ok(ReadResourceResult::new(vec![ResourceContents::text(text, request.uri)]).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let text = PromptArgument::new("text").with_required(true);
        Ok(ListPromptsResult::with_all_items(vec![Prompt::new(
            "summarize",
            Some("Ask for a summary"),
            Some(vec![text]),
        )]))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let text = request
            .arguments
            .as_ref()
            .and_then(|a| a.get("text"))
            .and_then(|t| t.as_str());
        match text {
            Some(text) if request.name == "summarize" => {
                Ok(GetPromptResult::new(vec![PromptMessage::new_text(
                    Role::User,
                    format!("Summarize: {text}"),
                )])
                .into())
            }
            _ => Err(ErrorData::invalid_params(
                "the prompt is summarize, its argument text",
                None,
            )),
        }
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let cli = Cli::parse();
    if let Some(path) = &cli.calls {
        let file = File::options().create(true).append(true).open(path)?;
        CALLS.get_or_init(|| file);
    }
    let stateful = cli.mode == Mode::StatefulSse;
    let stop = CancellationToken::new();
    let mut config = StreamableHttpServerConfig::default();
    config.legacy_session_mode = stateful;
    config.json_response = !stateful;
    config.cancellation_token = stop.child_token();
    let service: StreamableHttpService<Peer, LocalSessionManager> = StreamableHttpService::new(
        || {
            Ok(Peer {
                tool_router: Peer::tool_router(),
            })
        },
        Default::default(),
        config,
    );
    // Without TCP_NODELAY an event stream answers in 44 ms (Nagle against delayed acknowledgement): 22 calls/s.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", cli.port))
        .await?
        .tap_io(|stream| {
            // A socket that refuses the option still serves, only slower.
            let _ = stream.set_nodelay(true);
        });
    let router = axum::Router::new().nest_service("/mcp", service);
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    // No graceful wait: open event streams would hold the server up for as long as a client likes.
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    stop.cancel();
    Ok(())
}
