//! The plugin's log: passed on to `tracing` and kept for the embedder.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// `proxy_log_level_t`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum LogLevel {
    /// 0
    Trace,
    /// 1
    Debug,
    /// 2
    Info,
    /// 3
    Warn,
    /// 4
    Error,
    /// 5
    Critical,
}

impl LogLevel {
    /// The level of an ABI number, if there is one.
    pub(crate) fn from_abi(level: u32) -> Option<Self> {
        Some(match level {
            0 => Self::Trace,
            1 => Self::Debug,
            2 => Self::Info,
            3 => Self::Warn,
            4 => Self::Error,
            5 => Self::Critical,
            _ => return None,
        })
    }
}

/// One line that the plugin, or the host about the plugin, logged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogLine {
    /// Severity.
    pub level: LogLevel,
    /// Index of the worker whose VM it came from.
    pub worker: usize,
    /// The text.
    pub message: String,
}

/// Lines kept; older ones are forgotten.
const KEPT: usize = 10_000;

/// All workers' lines in one order.
#[derive(Debug)]
pub(crate) struct LogBook {
    level: LogLevel,
    lines: Mutex<VecDeque<LogLine>>,
}

impl LogBook {
    pub(crate) fn new(level: LogLevel) -> Self {
        Self {
            level,
            lines: Mutex::default(),
        }
    }

    /// The lowest level that is kept.
    pub(crate) fn level(&self) -> LogLevel {
        self.level
    }

    /// Writes one line, unless its level is too low.
    pub(crate) fn write(&self, worker: usize, level: LogLevel, message: String) {
        if level < self.level {
            return;
        }
        match level {
            LogLevel::Trace => tracing::trace!(target: "plugin", worker, "{message}"),
            LogLevel::Debug => tracing::debug!(target: "plugin", worker, "{message}"),
            LogLevel::Info => tracing::info!(target: "plugin", worker, "{message}"),
            LogLevel::Warn => tracing::warn!(target: "plugin", worker, "{message}"),
            LogLevel::Error | LogLevel::Critical => {
                tracing::error!(target: "plugin", worker, "{message}");
            }
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(LogLine {
            level,
            worker,
            message,
        });
    }

    /// A copy of the kept lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}
