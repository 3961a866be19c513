//! Clusters beside the store's: what the plugin's webhooks call.

use crate::error::Error;
use crate::store::Endpoint;
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

/// Refuses a name that another cluster has.
pub(crate) fn check(upstreams: &[Upstream], store: &str) -> Result<(), Error> {
    let mut names = std::collections::HashSet::from([store]);
    match upstreams.iter().find(|one| !names.insert(&one.name)) {
        Some(taken) => Err(Error::ClusterTaken(taken.name.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(check(std::slice::from_ref(&hooks), "etcd").is_ok());
        let error = check(std::slice::from_ref(&hooks), "hooks").unwrap_err();
        assert!(error.to_string().contains("hooks"), "{error}");
        assert!(check(&[hooks.clone(), hooks], "etcd").is_err());
    }
}
