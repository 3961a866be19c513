//! `cargo edge replay`: plays identity-provider transcripts against any SCIM server.

use crate::error::Error;
use crate::http::Url;
use crate::replay::{FORMAT, Runner, Selection, Tag, Tally, Transcript};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// What `replay` is told.
#[derive(Debug, Args)]
#[command(after_long_help = FORMAT)]
pub(crate) struct ReplayArgs {
    /// Base URL of the server, such as http://127.0.0.1:8080/scim/v2
    #[arg(value_name = "URL", value_parser = base_url)]
    url: String,
    /// Bearer token
    #[arg(value_name = "TOKEN")]
    token: String,
    /// Transcripts to play, in this order
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Show every request and answer
    #[arg(short, long)]
    verbose: bool,
    /// Count only steps with this tag; may be repeated
    #[arg(long, value_name = "TAG")]
    tag: Vec<Tag>,
    /// Do not count steps with this tag; may be repeated
    #[arg(long, value_name = "TAG")]
    skip_tag: Vec<Tag>,
}

fn base_url(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        Ok(url) if !url.target().contains(['?', '#']) => Ok(text.into()),
        Ok(_) => Err("a base URL has no query".into()),
        Err(e) => Err(e.to_string()),
    }
}

/// Plays all files; the exit code says whether every step passed.
pub(crate) async fn run(args: &ReplayArgs) -> Result<ExitCode, Error> {
    let selection = Selection {
        only: args.tag.clone(),
        skip: args.skip_tag.clone(),
    };
    let runner = Runner::new(&args.url, &args.token, selection, args.verbose)?;
    let transcripts = args
        .files
        .iter()
        .map(|path| Ok((path, Transcript::read(path)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    let mut total = Tally::default();
    for (path, transcript) in &transcripts {
        println!("== {} ({})", transcript.name, path.display());
        let tally = runner
            .play(
                transcript,
                &mut |line| println!("{line}"),
                async |_: &str| (),
            )
            .await?;
        total.passed += tally.passed;
        total.failed += tally.failed;
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
