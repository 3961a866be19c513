//! A URL whose target is kept as it was written.

use crate::http::HttpError;

/// An absolute http or https URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    https: bool,
    authority: String,
    host: String,
    port: u16,
    target: String,
}

impl Url {
    /// Splits a URL. Its target may hold anything that does not end a request line.
    pub(crate) fn parse(text: &str) -> Result<Self, HttpError> {
        Self::split(text).ok_or_else(|| HttpError::Url(text.into()))
    }

    fn split(text: &str) -> Option<Self> {
        let (https, rest) = match text.split_once("://")? {
            ("http", rest) => (false, rest),
            ("https", rest) => (true, rest),
            _ => return None,
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end)?;
        let target = if target.starts_with('/') {
            target.to_owned()
        } else {
            format!("/{target}")
        };
        if target.contains(|c: char| c.is_ascii_control() || c == ' ') {
            return None;
        }
        let parsed: hyper::http::uri::Authority = authority.parse().ok()?;
        let port = match parsed.port_u16() {
            Some(port) => port,
            // A colon that no port follows, the brackets of an IPv6 address aside.
            None if authority
                .rsplit(']')
                .next()
                .is_some_and(|end| end.contains(':')) =>
            {
                return None;
            }
            None if https => 443,
            None => 80,
        };
        let host = parsed
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let wanted = !host.is_empty() && !authority.contains('@');
        wanted.then(|| Self {
            https,
            authority: authority.into(),
            host,
            port,
            target,
        })
    }

    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// Host and port as written: the value of `Host`.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Name or address, without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Path and query, never empty.
    pub(crate) fn target(&self) -> &str {
        &self.target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_is_kept_byte_for_byte() {
        let url =
            Url::parse(r#"http://[::1]:81/scim/v2/Users?filter=userName+eq+"a"<>^`%20"#).unwrap();
        assert_eq!(
            url.target(),
            r#"/scim/v2/Users?filter=userName+eq+"a"<>^`%20"#
        );
        assert_eq!(
            (url.host(), url.port(), url.authority()),
            ("::1", 81, "[::1]:81")
        );
    }

    #[test]
    fn port_follows_the_scheme() {
        assert_eq!(Url::parse("http://a").unwrap().port(), 80);
        assert_eq!(Url::parse("https://a?x").unwrap().port(), 443);
        assert_eq!(Url::parse("https://a?x").unwrap().target(), "/?x");
    }

    #[test]
    fn what_would_break_the_request_line_is_refused() {
        for wrong in [
            "",
            "a",
            "ftp://a",
            "http://",
            "http:///x",
            "http://a/b c",
            "http://a/b\r\nX: y",
            "http://a:99999/",
            "http://a:/",
            "http://u@a/",
        ] {
            assert!(Url::parse(wrong).is_err(), "{wrong}");
        }
    }
}
