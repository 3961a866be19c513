//! Identity-provider transcripts: reading them, playing them, judging the answers.

mod body;
mod matcher;
mod pointer;
mod runner;
mod transcript;
mod variables;

pub(crate) use runner::{Runner, Selection, Tally};
pub(crate) use transcript::{FORMAT, Tag, Transcript};

use crate::error::Error;
use std::path::Path;

/// What came of one transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many steps passed.
    pub passed: u32,
    /// The steps that failed, each with what was wrong.
    pub failures: Vec<String>,
}

/// Plays the transcript in `file` against the server at `base` with a bearer token.
///
/// # Errors
/// When the file is no transcript, or the server cannot be reached.
pub async fn play(base: &str, token: &str, file: &Path) -> Result<Report, Error> {
    play_stepwise(base, token, file, async |_: &str| ()).await
}

/// The same, and after each step waits for `then`, which gets the step's name.
///
/// # Errors
/// As [`play`].
pub async fn play_stepwise(
    base: &str,
    token: &str,
    file: &Path,
    then: impl AsyncFnMut(&str),
) -> Result<Report, Error> {
    let runner = Runner::new(base, token, Selection::default(), false)?;
    let mut lines = Vec::new();
    let tally = runner
        .play(
            &Transcript::read(file)?,
            &mut |line| lines.push(line.to_owned()),
            then,
        )
        .await?;
    // A step that failed is told in a line of its own and in indented ones that say why.
    let failures = lines
        .into_iter()
        .filter(|line| !line.starts_with("pass"))
        .collect();
    Ok(Report {
        passed: tally.passed,
        failures,
    })
}
