//! Clusters beside the store's: what the plugin's webhooks call.

use crate::config::PluginConfig;
use crate::error::Error;
use crate::store::Endpoint;
use std::collections::HashSet;
use std::str::FromStr;

/// A cluster that the operator names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// What the plugin's configuration calls it.
    pub name: String,
    /// Where its only endpoint listens, for HTTP/1.1 without TLS.
    pub endpoint: Endpoint,
}

impl FromStr for Upstream {
    type Err = Error;

    /// Reads `NAME=HOST:PORT`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadCluster(text.into());
        let (name, endpoint) = text.split_once('=').ok_or_else(bad)?;
        let name = Some(name).filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_graphic()));
        Ok(Self {
            name: name.ok_or_else(bad)?.into(),
            endpoint: endpoint.parse().map_err(|_| bad())?,
        })
    }
}

/// Refuses a name that another cluster has, and a configuration that calls what is not there.
pub(crate) fn check(upstreams: &[Upstream], config: &PluginConfig) -> Result<(), Error> {
    let mut names = HashSet::from([config.cluster()]);
    if let Some(taken) = upstreams.iter().find(|one| !names.insert(&one.name)) {
        return Err(Error::ClusterTaken(taken.name.clone()));
    }
    match config.webhook_clusters().find(|name| !names.contains(name)) {
        Some(missing) => Err(Error::ClusterMissing(missing.into())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cluster_is_a_name_and_an_endpoint() {
        let hooks: Upstream = "hooks=[::1]:8000".parse().unwrap();
        assert_eq!(hooks.name, "hooks");
        assert_eq!(hooks.endpoint, Endpoint::Tcp("::1".into(), 8000));
        for wrong in ["", "hooks", "=a:1", "a b=c:1", "hooks=c", "hooks=c:0"] {
            let error = wrong.parse::<Upstream>().unwrap_err().to_string();
            assert!(error.contains("NAME=HOST:PORT"), "{error}");
        }
    }

    #[test]
    fn no_two_clusters_have_one_name() {
        let hooks: Upstream = "hooks=a:1".parse().unwrap();
        let store = |name| json!({"store": {"cluster": name}});
        let check = |upstreams: &[Upstream], name| check(upstreams, &PluginConfig::of(store(name)));
        assert!(check(std::slice::from_ref(&hooks), "etcd").is_ok());
        let error = check(std::slice::from_ref(&hooks), "hooks").unwrap_err();
        assert!(error.to_string().contains("hooks"), "{error}");
        assert!(check(&[hooks.clone(), hooks], "etcd").is_err());
    }

    #[test]
    fn a_cluster_that_a_webhook_calls_is_there() {
        let hooks: Upstream = "hooks=a:1".parse().unwrap();
        let webhooks = json!({"webhooks": [{"cluster": "etcd"}, {"cluster": "hooks"}, {}]});
        let config = PluginConfig::of(webhooks);
        assert!(check(&[hooks], &config).is_ok());
        let error = check(&[], &config).unwrap_err().to_string();
        assert!(error.contains("--cluster hooks=HOST:PORT"), "{error}");
    }
}
