//! What `up` and `serve` do around a running endpoint: show it, wait for the end, stop it.

use crate::cli::ServerArgs;
use crate::error::Error;
use crate::ready::Ready;
use crate::server::{Options, Running};
use std::path::Path;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Starts with `start`, shows what there is, and runs until interrupted. An interrupt while it
/// starts ends it as well.
pub(crate) async fn run<F>(
    args: &ServerArgs,
    start: impl FnOnce(Options) -> F,
) -> Result<ExitCode, Error>
where
    F: Future<Output = Result<Running, Error>>,
{
    let mut end = End::new()?;
    let options = args.options()?;
    let data = options.data.clone();
    if let Some(path) = &args.ready_file {
        // What an earlier run left would say that this one answers.
        match std::fs::remove_file(path) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::file("write", path)(e)),
        }
    }
    let running = tokio::select! {
        running = start(options) => running?,
        () = end.signalled() => return Ok(ExitCode::FAILURE),
    };
    if let Some(path) = &args.ready_file {
        running.ready().write(path)?;
    }
    show(running.ready(), &data);
    end.signalled().await;
    eprintln!("Stopping ...");
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The signals that end us.
#[derive(Debug)]
pub(crate) struct End {
    interrupt: Signal,
    terminate: Signal,
}

impl End {
    /// Takes the signals over from the system.
    pub(crate) fn new() -> Result<Self, Error> {
        let listen = |kind| {
            signal(kind).map_err(|source| Error::Spawn {
                program: "the signal handler".into(),
                source,
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Returns at the first signal.
    pub(crate) async fn signalled(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn show(ready: &Ready, data: &Path) {
    let Ready {
        base_url,
        token,
        admin_url,
        ..
    } = ready;
    println!(
        r#"
  SCIM    {base_url}
  Admin   {admin_url}
  Data    {data}

The bearer token, shown only now:

  TOKEN={token}

Create a user, then find it:

  curl -sS {base_url}/Users -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/scim+json' \
    -d '{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@example.com"}}'

  curl -sS -G {base_url}/Users -H "Authorization: Bearer $TOKEN" \
    --data-urlencode 'filter=userName eq "ada@example.com"'

Stop with Ctrl-C."#,
        data = data.display(),
    );
}
