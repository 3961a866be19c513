//! Progress of long steps, on standard error: a spinner at a terminal, else a line each.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::Duration;

/// A step under way. Dropped without [`Step::done`], it leaves no mark.
#[derive(Debug)]
pub(crate) struct Step {
    /// None when nobody watches.
    bar: Option<ProgressBar>,
}

impl Step {
    /// Says what begins.
    pub(crate) fn begin(text: impl Into<String>) -> Self {
        let text = text.into();
        if !std::io::stderr().is_terminal() {
            eprintln!("{text} ...");
            return Self { bar: None };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        bar.set_message(text);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar: Some(bar) }
    }

    /// Says how the step goes on.
    pub(crate) fn say(&self, text: impl Into<String>) {
        match &self.bar {
            Some(bar) => bar.set_message(text.into()),
            None => eprintln!("{} ...", text.into()),
        }
    }

    /// Says that the step is done.
    pub(crate) fn done(self, text: impl Into<String>) {
        let text = text.into();
        match &self.bar {
            Some(bar) => {
                bar.finish_and_clear();
                eprintln!("{text}");
            }
            None => eprintln!("{text}"),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
