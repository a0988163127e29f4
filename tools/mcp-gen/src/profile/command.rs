//! `mcp-gen profiles`: what is built in, and its text to start one's own from.

use super::{Profile, shipped};
use crate::cli::Profiles;
use crate::menu;
use std::io::{self, Write};

/// Carries out the subcommand; what was asked for goes to stdout, for people.
///
/// # Errors
/// A sentence.
pub fn run(what: &Profiles) -> Result<(), String> {
    let text = match what {
        Profiles::List => list()?,
        Profiles::Show { name } => {
            let (_, text) = Profile::text(name)?;
            // Whoever shows a file of their own wants to know whether it is right.
            menu::check(&Profile::find(name)?)?;
            text
        }
    };
    match io::stdout().write_all(text.as_bytes()) {
        // `profiles list | head -1` is a way to use it.
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write stdout: {e}")),
        _ => Ok(()),
    }
}

fn list() -> Result<String, String> {
    let mut text = String::new();
    for name in shipped::all() {
        let p = Profile::find(name)?;
        let per_s = p.rate_per_s * f64::from(p.clients);
        text.push_str(&format!(
            "{name:<15} {:>2} clients x {:>5}/s = {per_s:>6}/s, {:>4} B  {}\n",
            p.clients, p.rate_per_s, p.payload_bytes, p.about
        ));
    }
    Ok(text)
}
