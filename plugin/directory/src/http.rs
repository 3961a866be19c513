//! A request and its response, free of any proxy.

use std::net::IpAddr;

/// A request, its body read whole.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method, as sent.
    pub method: String,
    /// The path and query, as sent: percent-encoded, not normalised.
    pub target: String,
    /// `https` or `http`, as the client sees it.
    pub scheme: String,
    /// The host that the client addressed.
    pub authority: String,
    /// Header names in lower case, values as sent.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The address that it came from.
    pub source: Source,
    /// The body.
    pub body: Vec<u8>,
}

/// The address that a request came from; none where it did not come over IP.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// It is known.
    Known(Option<IpAddr>),
    /// The proxy is asked, only for a request whose credential is not known yet, and before that
    /// request waits for anything. To be told takes longer than much else that a request does.
    Asked(fn() -> Option<IpAddr>),
}

impl Source {
    /// The address.
    pub(crate) fn address(self) -> Option<IpAddr> {
        match self {
            Self::Known(address) => address,
            Self::Asked(ask) => ask(),
        }
    }
}

impl Default for Source {
    fn default() -> Self {
        Self::Known(None)
    }
}

impl Request {
    /// The first value of a header, named in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers(name).next()
    }

    /// All values of a header, named in lower case.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named = self.headers.iter().filter(move |(n, _)| n == name);
        named.map(|(_, value)| value.as_slice())
    }
}

/// A response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty where there is none.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header, named in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(n, _)| *n == name)?;
        Some(value)
    }
}
