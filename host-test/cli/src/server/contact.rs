//! First contact with an endpoint: waits until the plugin answers, then makes the tenant and tokens
//! through the plugin's own admin API.

use crate::admin::{Admin, bearer};
use crate::config::PluginConfig;
use crate::error::Error;
use crate::http::{Client, Url};
use crate::ready::Ready;
use hyper::Method;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The tenant of the printed token.
const TENANT: &str = "default";
/// How long the endpoint may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked.
const INTERVAL: Duration = Duration::from_millis(50);
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// An endpoint that has been started.
#[derive(Debug)]
pub(crate) struct Served {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The plugin's configuration.
    pub(crate) config: PluginConfig,
    /// An admin key that the configuration knows.
    pub(crate) admin_key: String,
    /// Where to look when it does not answer.
    pub(crate) log: PathBuf,
}

/// Makes tenant and tokens as soon as the endpoint answers, and returns when SCIM does.
/// `alive` says why there is no point in waiting any longer.
pub(crate) async fn first_contact(
    served: &Served,
    alive: impl Fn() -> Result<(), Error>,
) -> Result<Ready, Error> {
    let origin = origin(served.address);
    let admin = Admin {
        client: Client::new(ANSWER),
        url: format!("{origin}{}", served.config.admin_path()),
        key: served.admin_key.clone(),
        log: served.log.clone(),
    };
    let begun = Instant::now();
    loop {
        alive()?;
        if admin.make_tenant(TENANT).await? {
            break;
        }
        if begun.elapsed() > PATIENCE {
            return Err(not_ready(served, "no answer, or only 503".into()));
        }
        tokio::time::sleep(INTERVAL).await;
    }
    let ready = Ready {
        base_url: format!("{origin}{}", served.config.base_path()),
        token: admin.make_token(TENANT, "cargo edge", "scim").await?,
        admin_url: admin.url.clone(),
        admin_key: served.admin_key.clone(),
        access_token: admin.make_token(TENANT, "cargo edge", "access").await?,
        pid: std::process::id(),
    };
    match status(&admin.client, &ready).await {
        Ok(200) => Ok(ready),
        Ok(other) => Err(not_ready(served, format!("status {other}"))),
        Err(e) => Err(not_ready(served, e.to_string())),
    }
}

/// What SCIM answers to the token.
pub(crate) async fn status(client: &Client, ready: &Ready) -> Result<u16, Error> {
    let url = Url::parse(&format!("{}/ServiceProviderConfig", ready.base_url))?;
    let headers = bearer(&ready.token)?;
    let response = client.send(&Method::GET, &url, &headers, None).await?;
    Ok(response.status().as_u16())
}

fn not_ready(served: &Served, last: String) -> Error {
    Error::NotReady {
        what: "The endpoint",
        seconds: PATIENCE.as_secs(),
        last,
        log: served.log.clone(),
    }
}

/// How a client on this machine reaches `address`.
fn origin(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unspecified_address_is_reached_by_loopback() {
        assert_eq!(origin("0.0.0.0:80".parse().unwrap()), "http://127.0.0.1:80");
        assert_eq!(origin("[::]:80".parse().unwrap()), "http://[::1]:80");
        assert_eq!(origin("10.0.0.1:80".parse().unwrap()), "http://10.0.0.1:80");
    }
}
