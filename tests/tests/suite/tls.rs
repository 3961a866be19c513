//! The production bootstrap, `envoy/envoy.yaml`, as it is shipped: TLS towards clients, mutual TLS
//! towards an etcd of three members, with certificates made on the spot.

use edge_cli::Endpoint;
use edge_cli::envoy::bootstrap::Bootstrap;
use hyper::Method;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tests::certificates::{self, SERVER};
use tests::client::{Client, Protocol, Reply};
use tests::envoy::Envoy;
use tests::etcd::Etcd;
use tests::{Needs, ports, scim, tools, within};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const ADMIN_KEY: &str = "scim_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn shipped_bootstrap_serves_a_users_life_over_tls_from_envoy_to_three_etcd_members() {
    within(120, &[Needs::Envoy, Needs::Etcd], async {
        let folder = tempfile::tempdir().unwrap();
        let authority = certificates::write(&folder.path().join("tls"));
        let mut etcds = Etcd::start_three_with_tls(&folder.path().join("tls")).await;
        let endpoints: Vec<Endpoint> = etcds.iter().map(Etcd::named_endpoint).collect();
        let address = SocketAddr::from(([127, 0, 0, 1], ports::free()));
        let bootstrap = write_bootstrap(folder.path(), address, &endpoints);
        Envoy::validate(&bootstrap).unwrap();
        let _envoy = Envoy::start(&bootstrap, address).await;

        let tls = trusting([CertificateDer::from(authority)]);
        let token = make_token(address, &tls).await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let mut client = Client::new(address, "/scim/v2", &token)
                .over_tls(with_alpn(&tls, protocol), SERVER)
                .speaking(protocol);
            whole_life(&mut client).await;
        }

        // Two of three members are a quorum.
        etcds[0].kill();
        let mut client =
            Client::new(address, "/scim/v2", &token).over_tls(Arc::clone(&tls), SERVER);
        let mut created = client
            .post("/Users", &scim::user("quorum@example.com"))
            .await;
        for _ in 0..50 {
            if created.status != 503 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            created = client
                .post("/Users", &scim::user("quorum@example.com"))
                .await;
        }
        assert_eq!(created.status, 201, "{created}");

        etcd_refuses_who_has_no_certificate(folder.path(), &endpoints[1]).await;
        let plain = Client::new(address, "/scim/v2", &token)
            .try_call(Method::GET, "/Users", None)
            .await;
        assert!(plain.is_err(), "no plain text on the TLS port: {plain:?}");
    });
}

fn write_bootstrap(folder: &Path, address: SocketAddr, store: &[Endpoint]) -> std::path::PathBuf {
    let hash: String = Sha256::digest(ADMIN_KEY)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let configuration = json!({
        "base_path": "/scim/v2",
        "public_url": "https://scim.example.com/scim/v2",
        "admin_key_sha256": [hash],
        "store": {"cluster": "etcd", "authority": "etcd", "timeout_ms": 5000},
    });
    let bootstrap = Bootstrap::production()
        .unwrap()
        .files(folder)
        .listen(address)
        .unwrap()
        .plugin(tools::plugin(), &configuration)
        .unwrap()
        .store(store)
        .unwrap();
    let file = folder.join("envoy.json");
    std::fs::write(&file, bootstrap.to_json()).unwrap();
    file
}

fn trusting(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Arc<ClientConfig> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root).unwrap();
    }
    Arc::new(
        ClientConfig::builder()
            .with_root_certificates(store)
            .with_no_client_auth(),
    )
}

fn with_alpn(tls: &Arc<ClientConfig>, protocol: Protocol) -> Arc<ClientConfig> {
    let mut tls = ClientConfig::clone(tls);
    tls.alpn_protocols = match protocol {
        Protocol::Http1 => vec![b"http/1.1".to_vec()],
        Protocol::Http2 => vec![b"h2".to_vec()],
    };
    Arc::new(tls)
}

/// The admin API's first words, over TLS. The cluster may still be electing.
async fn make_token(address: SocketAddr, tls: &Arc<ClientConfig>) -> String {
    let mut admin = Client::new(address, "/admin/v1", ADMIN_KEY).over_tls(Arc::clone(tls), SERVER);
    let mut tenant: Reply = admin
        .post("/tenants", &json!({"id": "acme", "name": "Acme"}))
        .await;
    for _ in 0..100 {
        if tenant.status != 503 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        tenant = admin
            .post("/tenants", &json!({"id": "acme", "name": "Acme"}))
            .await;
    }
    assert_eq!(tenant.status, 201, "{tenant}");
    let token = admin
        .post(
            "/tenants/acme/tokens",
            &json!({"label": "test", "scopes": ["scim"]}),
        )
        .await;
    assert_eq!(token.status, 201, "{token}");
    token.text("/token")
}

async fn whole_life(client: &mut Client) {
    let created = client.post("/Users", &scim::user("ada@example.com")).await;
    assert_eq!(created.status, 201, "{created}");
    let path = format!("/Users/{}", created.text("/id"));
    let location = format!("https://scim.example.com/scim/v2{path}");
    assert_eq!(created.text("/meta/location"), location);
    let found = client
        .get(&scim::query("/Users", "userName eq \"ADA@example.com\""))
        .await;
    assert_eq!(found.json()["totalResults"], 1, "{found}");
    let group = client
        .post("/Groups", &scim::group("Team", &[&created.text("/id")]))
        .await;
    assert_eq!(group.status, 201, "{group}");
    let off = client
        .patch(
            &path,
            &json!([{"op": "replace", "path": "active", "value": false}]),
        )
        .await;
    assert_eq!(
        (off.status, off.json()["active"].as_bool()),
        (200, Some(false)),
        "{off}"
    );
    let replaced = client.put(&path, &scim::user("ada.l@example.com")).await;
    assert_eq!(replaced.status, 200, "{replaced}");
    assert_eq!(
        client
            .delete(&format!("/Groups/{}", group.text("/id")))
            .await
            .status,
        204
    );
    assert_eq!(client.delete(&path).await.status, 204);
    scim::expect_error(&client.get(&path).await, &[404]).unwrap();
}

async fn etcd_refuses_who_has_no_certificate(folder: &Path, endpoint: &Endpoint) {
    let Endpoint::Tcp(_, port) = endpoint else {
        panic!("etcd listens on TCP")
    };
    let root = CertificateDer::from_pem_file(folder.join("tls/etcd-ca.crt")).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], *port));
    let mut client = Client::new(address, "", "").over_tls(trusting([root]), SERVER);
    let reply = client.try_call(Method::GET, "/version", None).await;
    assert!(reply.is_err(), "{reply:?}");
}
