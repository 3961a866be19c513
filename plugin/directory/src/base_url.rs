//! What locations begin with.

use crate::config::Config;
use crate::http::Request;

/// The base URL as clients see it, without a slash at the end: as configured,
/// else from the host that the client addressed. A host that is none (a client
/// sends what it likes) is left out, so that it gets into no location.
pub(crate) fn base_url(config: &Config, request: &Request) -> String {
    if let Some(url) = &config.public_url {
        return url.as_str().to_owned();
    }
    let path = config.base_path.as_str();
    let host = request.authority.as_str();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~:[]".contains(&b);
    if host.is_empty() || !host.bytes().all(allowed) {
        return path.to_owned();
    }
    // A proxy in front that ends TLS says so here; the proxy we live in takes the
    // header from nobody else.
    let forwarded = request.header("x-forwarded-proto");
    let scheme = match forwarded.unwrap_or(request.scheme.as_bytes()) {
        b"https" => "https",
        _ => "http",
    };
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scheme: &str, authority: &str) -> String {
        let request = Request {
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            ..Request::default()
        };
        base_url(&Config::default(), &request)
    }

    #[test]
    fn the_host_is_the_one_that_the_client_addressed() {
        assert_eq!(
            of("https", "eu.example.com"),
            "https://eu.example.com/scim/v2"
        );
        assert_eq!(of("http", "[::1]:8080"), "http://[::1]:8080/scim/v2");
    }

    #[test]
    fn what_is_no_host_gets_into_no_location() {
        for authority in ["", "a/b", "user@host", "x\"y", "a b", "é"] {
            assert_eq!(of("https", authority), "/scim/v2");
        }
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
}
