//! What locations begin with: the base URL as clients see it.
//!
//! Without `public_url` it is told by the request: by `Forwarded` (RFC 7239), else by
//! `X-Forwarded-Proto`, `-Host`, `-Port` and `-Prefix`, else by the connection's own
//! scheme and authority. What a client sends there gets into the answer to itself and
//! nowhere else, for no cache that others share may keep an answer; whoever does not
//! want even that turns `trust_forwarded` off. Each part is taken only if it is
//! well-formed, so that no value makes something that is no URL.

use crate::config::{BasePath, Config};
use crate::http::Request;
use crate::negotiation::split;
use std::net::Ipv6Addr;

/// The base URL, without a slash at the end. Without any host, the path alone.
pub(crate) fn base_url(config: &Config, request: &Request) -> String {
    if let Some(url) = &config.public_url {
        return url.as_str().to_owned();
    }
    let said = match config.trust_forwarded {
        true => Forwarded::of(request),
        false => Forwarded::default(),
    };
    let path = config.base_path.as_str();
    let Some(host) = said.host.or_else(|| Host::of(&request.authority)) else {
        return path.to_owned();
    };
    // The proxy we live in sets this one for each request. From a proxy in front it
    // takes it over only if it was told to trust that one.
    let proto = first(request, "x-forwarded-proto").and_then(scheme);
    let scheme = said.proto.or(proto).or_else(|| scheme(&request.scheme));
    let scheme = scheme.unwrap_or("http");
    let mut url = format!("{scheme}://{}", host.text);
    if let Some(port) = said.port.filter(|_| !host.has_port) {
        url.push(':');
        url.push_str(port);
    }
    if let Some(prefix) = &said.prefix {
        url.push_str(prefix.as_str());
    }
    url.push_str(path);
    url
}

/// What proxies in front say that the client addressed.
#[derive(Default)]
struct Forwarded<'r> {
    proto: Option<&'static str>,
    host: Option<Host<'r>>,
    port: Option<&'r str>,
    /// What the proxies took from the start of the path.
    prefix: Option<BasePath>,
}

impl<'r> Forwarded<'r> {
    fn of(request: &'r Request) -> Self {
        let element = first(request, "forwarded").unwrap_or_default();
        let parameter = |wanted: &str| {
            split(element, ';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                let value = value.strip_prefix('"').unwrap_or(value);
                name.eq_ignore_ascii_case(wanted)
                    .then(|| value.strip_suffix('"').unwrap_or(value))
            })
        };
        let host = parameter("host").and_then(Host::of);
        Self {
            proto: parameter("proto").and_then(scheme),
            host: host.or_else(|| first(request, "x-forwarded-host").and_then(Host::of)),
            port: first(request, "x-forwarded-port").and_then(port),
            prefix: first(request, "x-forwarded-prefix")
                .and_then(|prefix| BasePath::try_from(prefix.to_owned()).ok()),
        }
    }
}

/// A host, with its port if it has one.
///
/// ```text
/// Host = ( "[" IPv6address "]" / 1*unreserved ) [ ":" 1*DIGIT ]
/// ```
struct Host<'r> {
    text: &'r str,
    has_port: bool,
}

impl<'r> Host<'r> {
    fn of(text: &'r str) -> Option<Self> {
        let (is_host, rest) = match text.strip_prefix('[') {
            Some(text) => {
                let (address, rest) = text.split_once(']')?;
                (address.parse::<Ipv6Addr>().is_ok(), rest)
            }
            None => {
                let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
                let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
                (!name.is_empty() && name.bytes().all(allowed), rest)
            }
        };
        let number = rest.strip_prefix(':').and_then(|n| n.parse::<u16>().ok());
        let is_port = rest.is_empty() || number.is_some() && !rest.contains('+');
        (is_host && is_port).then_some(Self {
            text,
            has_port: !rest.is_empty(),
        })
    }
}

fn scheme(text: &str) -> Option<&'static str> {
    let known = ["https", "http"];
    known.into_iter().find(|s| s.eq_ignore_ascii_case(text))
}

/// A port that a URL has to name. The defaults of both schemes are left out: a proxy
/// that ends TLS is known to tell the port behind it, not its own.
fn port(text: &str) -> Option<&str> {
    let is_port = text.parse::<u16>().is_ok() && !text.starts_with('+');
    (is_port && !matches!(text, "80" | "443")).then_some(text)
}

/// The first element of a header's list: what the proxy next to the client said.
fn first<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let value = std::str::from_utf8(request.header(name)?).ok()?;
    split(value, ',').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn of(scheme: &str, authority: &str, headers: &[(&str, &str)]) -> String {
        let request = Request {
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect(),
            ..Request::default()
        };
        base_url(&Config::default(), &request)
    }

    #[test]
    fn the_host_is_the_one_that_the_client_addressed() {
        for (scheme, authority, url) in [
            ("https", "eu.example.com", "https://eu.example.com/scim/v2"),
            ("http", "[::1]:8080", "http://[::1]:8080/scim/v2"),
            ("HTTPS", "10.0.0.1:443", "https://10.0.0.1:443/scim/v2"),
            ("", "my_host~1", "http://my_host~1/scim/v2"),
        ] {
            assert_eq!(of(scheme, authority, &[]), url);
        }
    }

    #[test]
    fn what_is_no_host_gets_into_no_location() {
        for authority in [
            "",
            "a/b",
            "user@host",
            "x\"y",
            "a b",
            "é",
            "a:b",
            "a:",
            "a:65536",
            "a:+1",
            ":80",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[::::]",
            "[x]",
            "[fe80::1%eth0]",
            "a\r\nb",
            "a?b",
            "a#b",
        ] {
            assert_eq!(of("https", authority, &[]), "/scim/v2", "{authority}");
            let said = [("x-forwarded-host", authority)];
            assert_eq!(
                of("https", "own", &said),
                "https://own/scim/v2",
                "{authority}"
            );
            let said = format!("proto=https;host=\"{authority}\"");
            let said = [("forwarded", said.as_str())];
            assert_eq!(
                of("http", "own", &said),
                "https://own/scim/v2",
                "{authority}"
            );
        }
    }

    #[test]
    fn a_proxy_in_front_says_what_the_client_addressed() {
        for (headers, url) in [
            (&[("x-forwarded-proto", "https")][..], "https://own:1"),
            (&[("x-forwarded-proto", "HTTPS, http")], "https://own:1"),
            (&[("x-forwarded-proto", "javascript")], "http://own:1"),
            (&[("x-forwarded-host", "a.example")], "http://a.example"),
            (
                &[("x-forwarded-host", "a.example:8443, b")],
                "http://a.example:8443",
            ),
            (
                &[("x-forwarded-host", "a"), ("x-forwarded-host", "b")],
                "http://a",
            ),
            (
                &[("x-forwarded-host", "a"), ("x-forwarded-port", "8443")],
                "http://a:8443",
            ),
            (
                &[
                    ("x-forwarded-host", "[2001:db8::1]"),
                    ("x-forwarded-port", "8443"),
                ],
                "http://[2001:db8::1]:8443",
            ),
            (
                &[("x-forwarded-host", "a:1"), ("x-forwarded-port", "8443")],
                "http://a:1",
            ),
            (
                &[("x-forwarded-host", "a"), ("x-forwarded-port", "443")],
                "http://a",
            ),
            (
                &[("x-forwarded-host", "a"), ("x-forwarded-port", "+1")],
                "http://a",
            ),
            (&[("x-forwarded-port", "8443")], "http://own:1"),
            (
                &[("forwarded", "for=10.0.0.1;proto=https;host=a")],
                "https://a",
            ),
            (
                &[(
                    "forwarded",
                    "For=\"[::1]:9\"; Host=\"a:8443\" ;Proto=HTTPS, host=b",
                )],
                "https://a:8443",
            ),
            (
                &[("forwarded", "host=a"), ("x-forwarded-host", "b")],
                "http://a",
            ),
            (
                &[("forwarded", "for=_x"), ("x-forwarded-host", "b")],
                "http://b",
            ),
            (&[("forwarded", "host=\"a;b,c\"")], "http://own:1"),
            (&[("x-forwarded-prefix", "/eu/idp/")], "http://own:1/eu/idp"),
            (&[("x-forwarded-prefix", "/")], "http://own:1"),
            (&[("x-forwarded-prefix", "//evil.example")], "http://own:1"),
            (&[("x-forwarded-prefix", "/../x")], "http://own:1"),
            (&[("x-forwarded-prefix", "/a?b")], "http://own:1"),
        ] {
            assert_eq!(
                of("http", "own:1", headers),
                format!("{url}/scim/v2"),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn without_trust_nothing_but_the_connection_counts() {
        let config = Config::from_json(br#"{"trust_forwarded":false}"#).unwrap();
        let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        let request = Request {
            authority: "own".to_owned(),
            headers: vec![
                header("forwarded", "host=a;proto=http"),
                header("x-forwarded-host", "b"),
                header("x-forwarded-prefix", "/c"),
                header("x-forwarded-proto", "https"),
            ],
            ..Request::default()
        };
        assert_eq!(base_url(&config, &request), "https://own/scim/v2");
    }

    #[test]
    fn the_configured_url_goes_first() {
        let config = Config::from_json(br#"{"public_url":"https://x.example/scim/v2/"}"#).unwrap();
        let request = Request {
            authority: "other".to_owned(),
            ..Request::default()
        };
        assert_eq!(base_url(&config, &request), "https://x.example/scim/v2");
    }

    proptest! {
        #[test]
        fn whatever_is_sent_a_base_url_has_no_other_characters(
            authority in ".{0,20}",
            values in vec("[ -~]{0,30}|.{0,10}|(host|proto)=.{0,10}|/.{0,10}", 5),
        ) {
            let names = ["forwarded", "x-forwarded-proto", "x-forwarded-host",
                "x-forwarded-port", "x-forwarded-prefix"];
            let headers: Vec<_> = names.into_iter().zip(values.iter().map(String::as_str)).collect();
            let url = of("http", &authority, &headers);
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b);
            prop_assert!(url.bytes().all(allowed), "{}", url);
            prop_assert!(url.ends_with("/scim/v2"));
            let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
            let path = rest.map_or(url.as_str(), |rest| rest.trim_start_matches(|c| c != '/'));
            prop_assert!(!path.contains("//"));
        }
    }
}
