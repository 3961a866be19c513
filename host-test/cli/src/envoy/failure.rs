//! Why Envoy did not start, from its log: the sentence that names the cause, not the log.

use crate::error::Error;
use std::net::SocketAddr;
use std::path::Path;

/// Stands before the message in the plugin's log lines, followed by names and a colon.
const PLUGIN_SAYS: &str = "wasm log ";
/// Envoy's words when `on_configure` returned false.
const REFUSED: &str = "Failed to configure";
/// The plugin's words before the reason it refuses a configuration for.
const PREAMBLE: &str = "configuration refused: ";

/// The error that explains an Envoy that ended while it was starting.
pub(crate) fn explain(log: &Path, listen: SocketAddr) -> Error {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    if text.contains("Address already in use") {
        return Error::AddressTaken(listen);
    }
    if let Some(said) = plugin_refusal(&text) {
        return Error::Configuration(said);
    }
    let reason = envoy_reason(&text)
        .or_else(|| {
            text.lines()
                .rev()
                .find(|line| !line.trim().is_empty())
                .map(str::to_owned)
        })
        .unwrap_or_else(|| "it ended without a word".into());
    Error::EnvoyFailed {
        reason,
        log: log.into(),
    }
}

/// What the plugin said about a configuration that it refused.
fn plugin_refusal(log: &str) -> Option<String> {
    if !log.contains(REFUSED) {
        return None;
    }
    log.lines()
        .filter(|line| line.contains("][error]") || line.contains("][critical]"))
        .filter_map(|line| line.split_once(PLUGIN_SAYS)?.1.split_once(": "))
        .map(|(_, said)| refusal(said))
        .next_back()
}

/// The reason in what the plugin says of a configuration that it refuses.
pub(crate) fn refusal(said: &str) -> String {
    let reason = said.split_once(PREAMBLE).map_or(said, |(_, reason)| reason);
    reason.trim().trim_end_matches('.').to_owned()
}

/// The last part of Envoy's own last error.
fn envoy_reason(log: &str) -> Option<String> {
    let line = log
        .lines()
        .rev()
        .find(|line| line.contains("][critical]") || line.contains("][error]"))?;
    // [time][thread][level][logger] [file:line] message
    let message = line.split_once("] [").map_or(line, |(_, rest)| rest);
    let message = message.split_once("] ").map_or(message, |(_, rest)| rest);
    Some(message.trim().trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(log: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), log).unwrap();
        explain(file.path(), "127.0.0.1:8080".parse().unwrap()).to_string()
    }

    #[test]
    fn refused_configuration_is_told_in_the_plugins_words() {
        let said = explained(
            "[2026-11-24 05:57:24.313][11562][error][wasm] [source/context.cc:1157] wasm log scim scim: \
             scim-edge: configuration refused: limitz: unknown field `limitz`\n\
             [2026-11-24 05:57:24.313][11562][error][wasm] [source/wasm.cc:104] Wasm VM failed Failed \
             to configure base Wasm plugin\n\
             [2026-11-24 05:57:24.336][11562][critical][main] [source/server.cc:449] error `Unable to \
             create Wasm plugin scim` initializing config\n",
        );
        assert!(
            said.contains("is wrong: limitz: unknown field `limitz`. Correct it"),
            "{said}"
        );
    }

    #[test]
    fn envoys_own_error_is_told_without_its_preamble() {
        let said = explained(
            "[2026-11-24 05:21:06.987][1][info][config] [source/a.cc:148] loading 1 listener(s)\n\
             [2026-11-24 05:21:06.995][1][critical][main] [source/server.cc:76] error initializing \
             configuration 'e.json': no such field\n",
        );
        assert!(
            said.contains(
                "did not start: error initializing configuration 'e.json': no such field. Its"
            ),
            "{said}"
        );
    }

    #[test]
    fn taken_address_is_recognized() {
        let said = explained("x: cannot bind '127.0.0.1:8080': Address already in use\n");
        assert!(said.contains("127.0.0.1:8080 is already taken"), "{said}");
    }

    #[test]
    fn silence_is_told_too() {
        assert!(explained("").contains("without a word"));
    }
}
