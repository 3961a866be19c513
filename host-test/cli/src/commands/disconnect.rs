//! `cargo edge disconnect`: ends and changes sessions at the network gear as the directory decides.

use crate::commands::present::End;
use crate::disconnect::{self, Agent, Gear, Service, Token, VARIABLE};
use crate::error::Error;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// What `disconnect` is told.
#[derive(Debug, Args)]
#[command(after_help = format!(
    "The token is an admin key, or one of the tenant with the scope admin. It is read from \
     --token-file, else from the variable {VARIABLE}.\n\nOn standard error there is one line for \
     each order to gear: what, to whom, for which session, and what came of it."
))]
pub(crate) struct DisconnectArgs {
    /// URL of the admin API, such as https://edge.example.com/admin/v1
    #[arg(long, value_name = "URL")]
    url: String,
    /// Whose sessions
    #[arg(long, value_name = "TENANT", default_value = "default")]
    tenant: String,
    /// Read the token from this file, anew for each request
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Read the gear and its secrets from this file: what --nas says, one a line
    #[arg(long, value_name = "FILE", required_unless_present = "nas")]
    nas_file: Option<PathBuf>,
    /// Gear, a network of it, or gear by its NAS-Identifier, and its shared secret; may be
    /// repeated. Others on this machine can read it: prefer --nas-file
    #[arg(long, value_name = "[IDENTIFIER@]ADDRESS[/PREFIX][:PORT]=SECRET")]
    nas: Vec<Gear>,
    /// End a session when the gear refuses to change it, so that it begins anew with its policy
    #[arg(long)]
    reconnect: bool,
}

/// Works until interrupted.
pub(crate) async fn run(args: &DisconnectArgs) -> Result<ExitCode, Error> {
    let mut end = End::new()?;
    let mut gear = args.nas.clone();
    if let Some(path) = &args.nas_file {
        let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
        let read = disconnect::read_gear(&text).map_err(|reason| Error::Gear {
            path: path.clone(),
            reason,
        })?;
        gear.extend(read);
    }
    let token = Token::find(args.token_file.clone())?;
    // A file that is not there is told now, and not taken for a service that is away.
    token.read()?;
    let agent = Agent {
        service: Service::new(&args.url, &args.tenant, token),
        gear,
        reconnect: args.reconnect,
    };
    tokio::select! {
        () = end.signalled() => Ok(ExitCode::SUCCESS),
        ended = disconnect::run(agent) => match ended {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(answer) => Err(Error::Refused { url: args.url.clone(), answer }),
        },
    }
}
