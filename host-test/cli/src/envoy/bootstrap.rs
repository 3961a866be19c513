//! The bootstrap: `envoy/envoy.yaml` with its addresses, files and settings put in.
//!
//! There is one template, the production file. `cargo edge up` takes TLS out of it; a test that
//! drives it end to end puts its own certificates in.

use crate::config::scim_paths;
use crate::error::Error;
use crate::store::Endpoint;
use crate::upstream::Upstream;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

/// The production bootstrap, as shipped.
pub const TEMPLATE: &str = include_str!("../../../../envoy/envoy.yaml");
/// The folder whose files the template names.
const FILES: &str = "/etc/scim-edge";
/// The path in the template's guard of local replies: that of the default base path and its alias.
const GUARDED: &str = "/scim";

const LISTENER: &str = "/static_resources/listeners/0";
const CHAIN: &str = "/static_resources/listeners/0/filter_chains/0";
const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
const PLUGIN: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/1/typed_config/config";
const CLUSTERS: &str = "/static_resources/clusters";
const CLUSTER: &str = "/static_resources/clusters/0";

/// The bootstrap on its way from the template to Envoy.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    tree: Value,
}

impl Bootstrap {
    /// The production bootstrap as shipped, with TLS on both sides.
    ///
    /// # Errors
    /// [`Error::Template`] when the template is not YAML.
    pub fn production() -> Result<Self, Error> {
        let tree = serde_saphyr::from_str(TEMPLATE)
            .map_err(|e| Error::Template(format!("valid YAML: {e}")))?;
        Ok(Self { tree })
    }

    /// Takes TLS out, towards clients and towards the store. Who ends TLS for it, if anybody, is
    /// a proxy in front: what that says of the client's scheme counts.
    ///
    /// # Errors
    /// [`Error::Template`] when a part is missing.
    pub fn without_tls(mut self) -> Result<Self, Error> {
        for at in [CHAIN, CLUSTER] {
            self.object(at)?
                .remove("transport_socket")
                .ok_or_else(|| Error::Template(format!("{at}/transport_socket")))?;
        }
        self.object(MANAGER)?
            .insert("xff_num_trusted_hops".into(), json!(1));
        Ok(self)
    }

    /// Takes certificates and keys from `folder` instead of `/etc/scim-edge`: `tls/server.crt`,
    /// `tls/server.key`, `tls/etcd-client.crt`, `tls/etcd-client.key` and `tls/etcd-ca.crt`.
    #[must_use]
    pub fn files(mut self, folder: &Path) -> Self {
        let folder = folder.display().to_string();
        each_string(&mut self.tree, &mut |_, text| {
            if let Some(rest) = text
                .strip_prefix(FILES)
                .filter(|rest| rest.starts_with('/'))
            {
                *text = format!("{folder}{rest}");
            }
        });
        self
    }

    /// Serves on `address`; with port 0, Envoy takes a free one.
    ///
    /// # Errors
    /// [`Error::Template`] when a part is missing.
    pub fn listen(mut self, address: SocketAddr) -> Result<Self, Error> {
        let ip = address.ip().to_string();
        self.object(LISTENER)?.insert(
            "address".into(),
            json!({"socket_address": {"address": ip, "port_value": address.port()}}),
        );
        Ok(self)
    }

    /// Runs the module in `wasm` with this configuration (a JSON object), whose paths of SCIM the
    /// guard of local replies and whose `store.cluster` the cluster's name follow.
    ///
    /// # Errors
    /// [`Error::Template`] when a part is missing.
    pub fn plugin(mut self, wasm: &Path, configuration: &Value) -> Result<Self, Error> {
        *self.at(&format!("{PLUGIN}/configuration/value"))? =
            Value::String(configuration.to_string());
        *self.at(&format!("{PLUGIN}/vm_config/code/local/filename"))? =
            Value::String(wasm.display().to_string());
        let paths: Vec<String> = scim_paths(configuration)
            .iter()
            .map(|path| below(path))
            .collect();
        each_string(&mut self.tree, &mut |key, text| {
            if key == "expression" {
                *text = text.replace(&below(GUARDED), &paths.join(" || "));
            }
        });
        if let Some(name) = configuration
            .pointer("/store/cluster")
            .and_then(Value::as_str)
        {
            *self.at(&format!("{CLUSTER}/name"))? = Value::String(name.into());
            *self.at(&format!("{CLUSTER}/load_assignment/cluster_name"))? =
                Value::String(name.into());
        }
        Ok(self)
    }

    /// Reaches the store at these endpoints.
    ///
    /// # Errors
    /// [`Error::Template`] when a part is missing.
    pub fn store(mut self, endpoints: &[Endpoint]) -> Result<Self, Error> {
        // Names are resolved; a Unix socket needs no resolving, which only STATIC allows.
        let local = endpoints.iter().any(|e| matches!(e, Endpoint::Unix(_)));
        let endpoints: Vec<Value> = endpoints.iter().map(lb_endpoint).collect();
        *self.at(&format!("{CLUSTER}/load_assignment/endpoints"))? =
            json!([{"lb_endpoints": endpoints}]);
        if local {
            *self.at(&format!("{CLUSTER}/type"))? = json!("STATIC");
        }
        Ok(self)
    }

    /// Adds clusters that webhooks call, with HTTP/1.1.
    ///
    /// # Errors
    /// [`Error::Template`] when a part is missing.
    pub fn clusters(mut self, clusters: &[Upstream]) -> Result<Self, Error> {
        let all = self
            .at(CLUSTERS)?
            .as_array_mut()
            .ok_or_else(|| Error::Template(CLUSTERS.into()))?;
        all.extend(clusters.iter().map(|cluster| {
            let kind = match cluster.endpoint {
                Endpoint::Unix(_) => "STATIC",
                Endpoint::Tcp(..) => "STRICT_DNS",
            };
            json!({
                "name": cluster.name,
                "type": kind,
                "connect_timeout": "1s",
                "load_assignment": {
                    "cluster_name": cluster.name,
                    "endpoints": [{"lb_endpoints": [lb_endpoint(&cluster.endpoint)]}],
                },
            })
        }));
        Ok(self)
    }

    /// Opens Envoy's admin interface on a free port of the loopback interface.
    ///
    /// # Errors
    /// [`Error::Template`] when a part is missing.
    pub fn admin_on_loopback(mut self) -> Result<Self, Error> {
        self.object("")?.insert(
            "admin".into(),
            json!({"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}}),
        );
        Ok(self)
    }

    /// Logs only the requests that failed on our side (status 500 and above).
    ///
    /// # Errors
    /// [`Error::Template`] when a part is missing.
    pub fn log_failures_only(mut self) -> Result<Self, Error> {
        self.object(&format!("{MANAGER}/access_log/0"))?.insert(
            "filter".into(),
            json!({"status_code_filter": {"comparison": {
                "op": "GE",
                "value": {"default_value": 500, "runtime_key": "scim_edge.access_log.min_status"},
            }}}),
        );
        Ok(self)
    }

    /// The bootstrap as JSON, which Envoy reads from a file named `*.json`.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{:#}\n", self.tree)
    }

    /// The mappers that turn Envoy's own errors into SCIM errors.
    pub(crate) fn local_reply_mappers(&self) -> Result<&[Value], Error> {
        self.tree
            .pointer(&format!("{MANAGER}/local_reply_config/mappers"))
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .ok_or_else(|| Error::Template("local_reply_config".into()))
    }

    fn at(&mut self, pointer: &str) -> Result<&mut Value, Error> {
        self.tree
            .pointer_mut(pointer)
            .ok_or_else(|| Error::Template(pointer.into()))
    }

    fn object(&mut self, pointer: &str) -> Result<&mut serde_json::Map<String, Value>, Error> {
        self.at(pointer)?
            .as_object_mut()
            .ok_or_else(|| Error::Template(pointer.into()))
    }
}

fn lb_endpoint(endpoint: &Endpoint) -> Value {
    let address = match endpoint {
        Endpoint::Unix(path) => json!({"pipe": {"path": path.display().to_string()}}),
        Endpoint::Tcp(host, port) => {
            json!({"socket_address": {"address": host, "port_value": port}})
        }
    };
    json!({"endpoint": {"address": address}})
}

/// The condition, in CEL, that a request is for this path or below it.
fn below(path: &str) -> String {
    let path = path.replace('\\', r"\\").replace('\'', r"\'");
    format!("request.url_path == '{path}' || request.url_path.startsWith('{path}/')")
}

/// Shows `change` each string with the key that it stands under.
fn each_string(value: &mut Value, change: &mut impl FnMut(&str, &mut String)) {
    fn walk(key: &str, value: &mut Value, change: &mut impl FnMut(&str, &mut String)) {
        match value {
            Value::String(text) => change(key, text),
            Value::Array(items) => items.iter_mut().for_each(|item| walk(key, item, change)),
            Value::Object(members) => {
                members
                    .iter_mut()
                    .for_each(|(key, member)| walk(key, member, change));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    walk("", value, change);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(configuration: &Value, endpoints: &[Endpoint]) -> Value {
        Bootstrap::production()
            .unwrap()
            .without_tls()
            .unwrap()
            .listen("127.0.0.1:8080".parse().unwrap())
            .unwrap()
            .plugin(Path::new("/x/p.wasm"), configuration)
            .unwrap()
            .store(endpoints)
            .unwrap()
            .tree
    }

    /// Of all but the first, which is of what no route leads anywhere, for any path.
    fn expressions(tree: &Value) -> Vec<&str> {
        tree.pointer(&format!("{MANAGER}/local_reply_config/mappers"))
            .unwrap()
            .as_array()
            .unwrap()
            .iter()
            .skip(1)
            .map(|mapper| {
                mapper
                    .pointer(
                        "/filter/and_filter/filters/1/extension_filter/typed_config/expression",
                    )
                    .unwrap()
                    .as_str()
                    .unwrap()
            })
            .collect()
    }

    #[test]
    fn address_store_and_module_are_put_in() {
        let tree = rendered(
            &json!({"store": {"cluster": "kv"}}),
            &[Endpoint::Unix("/run/kv.sock".into())],
        );
        let get = |at: &str| tree.pointer(at).unwrap().clone();
        assert_eq!(
            get(&format!("{LISTENER}/address/socket_address/port_value")),
            8080
        );
        assert_eq!(
            get(&format!("{PLUGIN}/vm_config/code/local/filename")),
            "/x/p.wasm"
        );
        assert_eq!(get(&format!("{CLUSTER}/name")), "kv");
        assert_eq!(get(&format!("{CLUSTER}/type")), "STATIC");
        assert_eq!(
            get(&format!(
                "{CLUSTER}/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/pipe/path"
            )),
            "/run/kv.sock"
        );
    }

    #[test]
    fn several_endpoints_are_one_cluster_of_names() {
        let endpoints = [Endpoint::Tcp("a".into(), 1), Endpoint::Tcp("b".into(), 2)];
        let tree = rendered(&json!({}), &endpoints);
        let hosts = tree
            .pointer(&format!(
                "{CLUSTER}/load_assignment/endpoints/0/lb_endpoints"
            ))
            .unwrap();
        assert_eq!(hosts.as_array().unwrap().len(), 2);
        assert_eq!(
            tree.pointer(&format!("{CLUSTER}/type")).unwrap(),
            "STRICT_DNS"
        );
    }

    #[test]
    fn clusters_of_webhooks_stand_behind_the_stores() {
        let hooks = "hooks=receiver:8000".parse().unwrap();
        let bootstrap = Bootstrap::production().unwrap().clusters(&[hooks]);
        let tree = bootstrap.unwrap().tree;
        let get = |at: &str| tree.pointer(&format!("{CLUSTERS}/1/{at}")).unwrap();
        assert_eq!(get("name"), "hooks");
        let at = "load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
        let address = json!({"address": "receiver", "port_value": 8000});
        assert_eq!(get(at), &address);
        assert_eq!(tree.pointer(&format!("{CLUSTER}/name")).unwrap(), "etcd");
    }

    #[test]
    fn every_local_reply_is_guarded_by_the_configured_base_path() {
        let guarded = |configuration: Value| {
            let tree = rendered(&configuration, &[]);
            let expressions = expressions(&tree);
            assert_eq!(expressions.len(), 8);
            assert!(expressions.iter().all(|e| *e == expressions[0]));
            expressions[0].to_owned()
        };
        let configured = guarded(json!({"base_path": "/it's/"}));
        assert!(
            configured.contains(r"url_path.startsWith('/it\'s/')"),
            "{configured}"
        );
        assert!(!configured.contains("/scim"), "{configured}");
        let aliased = guarded(json!({"base_path": "/x/v2", "base_path_aliases": ["/y"]}));
        for path in ["'/x/v2'", "'/x/v2/'", "'/y'", "'/y/'"] {
            assert!(aliased.contains(path), "{aliased}");
        }
        for default in [json!({}), json!({"base_path": "/scim/v2"})] {
            assert!(guarded(default).contains("startsWith('/scim/')"));
        }
    }

    #[test]
    fn no_file_outside_the_given_folder_is_named() {
        let tree = Bootstrap::production()
            .unwrap()
            .files(Path::new("/certificates"));
        let text = tree.to_json();
        assert!(text.contains("/certificates/tls/server.crt"));
        assert!(!text.contains(FILES));
    }

    #[test]
    fn tls_is_gone_without_it() {
        let tree = rendered(&json!({}), &[]);
        assert!(!tree.to_string().contains("tls"));
    }
}
